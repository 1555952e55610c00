# The two ways out of the agents' networks: a proxy with an allow-list per client (squid), and a relay for
# the one port of the server (haproxy). See images/egress/egress.py for how they are spoken to.
#
# Only the two programs and their libraries come along, not what their packages depend on.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
COPY images/selfcontained.py /tmp/
RUN apt-get update \
 && apt-get install -y -qq --no-install-recommends patchelf tini \
      $(apt-cache depends squid haproxy | sed -n 's/^  Depends: \(lib[^ ]*\)$/\1/p' | grep -v -- -perl) \
 && cd /tmp && apt-get download -qq squid squid-common squid-langpack haproxy \
 && for package in *.deb; do dpkg --extract "$package" /tmp/root; done \
 && cd /tmp/root/usr/sbin && { test -e squid || mv squid-gnutls squid; } \
 && python /tmp/selfcontained.py /opt/egress /tmp/root/usr/sbin/squid /tmp/root/usr/sbin/haproxy \
 && cp /usr/bin/tini-static /opt/egress/bin/tini \
 && cp -r /tmp/root/usr/share/squid/mime.conf /tmp/root/usr/share/squid/icons /opt/egress/ \
 && cp -rL /tmp/root/usr/share/squid/errors/English /opt/egress/errors \
 && mkdir /opt/egress/licences \
 && for name in squid haproxy; do cp /tmp/root/usr/share/doc/$name/copyright /opt/egress/licences/$name; done
COPY images/egress /opt/egress
RUN mv /opt/egress/ERR_REFUSED /opt/egress/errors/

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin lazyaf \
 && find / -xdev -perm /6000 -type f -exec chmod a-s {} +
COPY --from=build /opt/egress /opt/egress
USER 10001:10001
WORKDIR /
ENTRYPOINT ["/opt/egress/bin/tini", "--", "python3", "-I", "/opt/egress/egress.py"]
CMD ["egress"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LazyAF egress" \
      org.opencontainers.image.description="An allow-listing proxy and a relay for the networks of agents" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-or-later" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      lazyaf.version="${VERSION}"
