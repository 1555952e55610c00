# The server with its UI. Build from the repository's root, after `make wheel`:
#   docker build -f images/server.Dockerfile -t lazyaf .
ARG BASE_IMAGE=python:3.13-slim
FROM ${BASE_IMAGE} AS build
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python -m venv /opt/lazyaf \
 && /opt/lazyaf/bin/pip install --no-cache-dir --require-hashes -r /tmp/runtime.txt
COPY dist/*.whl /tmp/
RUN /opt/lazyaf/bin/pip install --no-cache-dir --no-deps /tmp/*.whl \
 && /opt/lazyaf/bin/python -m compileall -q /opt/lazyaf/lib

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="LazyAF" \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update \
 && apt-get install -y --no-install-recommends git bubblewrap ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home lazyaf \
 && install -d -o lazyaf -g lazyaf -m 0700 /data
COPY --from=build /opt/lazyaf /opt/lazyaf
ENV PATH=/opt/lazyaf/bin:$PATH LAZYAF_DATA_DIR=/data
USER lazyaf
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/api/health', timeout=2)"]
ENTRYPOINT ["lazyaf"]
CMD ["serve"]
