# The server with its UI. It runs no agents itself: they come from the pool of containers, or as runners of
# their own. `make image` builds it; docs/how-to/docker.md says how it is run.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
RUN apt-get update \
 && apt-get install -y -qq --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && python -m venv /tools \
 && python -m venv --without-pip /opt/lazyaf \
 && cp /usr/bin/tini-static /opt/lazyaf/bin/tini
COPY requirements/runtime.txt /tmp/
# Without Claude Code, which is most of what the lock names by size.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sed '/^claude-agent-sdk==/,/[^\\]$/d' /tmp/runtime.txt > /tmp/server.txt \
 && /tools/bin/pip --python /opt/lazyaf/bin/python install --quiet --no-cache-dir --no-compile --no-deps --require-hashes -r /tmp/server.txt \
 && /opt/lazyaf/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/lazyaf/lib

FROM build AS wheel
COPY dist/*.whl /tmp/
RUN site=$(echo /opt/lazyaf/lib/python3.*/site-packages) \
 && /tools/bin/pip --python /opt/lazyaf/bin/python install --quiet --no-cache-dir --no-compile --no-deps --no-index /tmp/*.whl \
 && /opt/lazyaf/bin/python -m compileall -q --invalidation-mode unchecked-hash "$site/lazyaf" \
 && mkdir -p /new/bin "/new${site#/opt/lazyaf}" \
 && mv /opt/lazyaf/bin/lazyaf /new/bin/ \
 && mv "$site"/lazyaf "$site"/lazyaf-*.dist-info "/new${site#/opt/lazyaf}"

FROM ${BASE_IMAGE}
RUN apt-get update \
 && apt-get install -y -qq --no-install-recommends ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* \
 && find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
 && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /bin/bash lazyaf \
 && install -d -o lazyaf -g lazyaf -m 0700 /data
COPY --from=build /opt/lazyaf /opt/lazyaf
COPY --from=wheel /new /opt/lazyaf
ENV PATH=/opt/lazyaf/bin:$PATH \
    HOME=/data \
    LAZYAF_DATA_DIR=/data \
    LAZYAF_PORT=8765 \
    LAZYAF_POOL=none
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python3", "-I", "-S", "-c", "import os, socket\nwith socket.create_connection(('127.0.0.1', int(os.environ['LAZYAF_PORT'])), 2) as s:\n    s.sendall(b'GET /api/health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n')\n    raise SystemExit(b' 200 ' not in s.recv(32))"]
ENTRYPOINT ["tini", "--"]
CMD ["lazyaf", "serve"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LazyAF" \
      org.opencontainers.image.description="A self-hosted visual orchestrator for AI coding agents" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      lazyaf.version="${VERSION}"
