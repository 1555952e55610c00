#!/usr/bin/env bash
# Builds a base image from Debian packages, for machines that reach no image registry: CI, air-gapped
# networks. What the Dockerfiles beside this need of one is in it: Python 3.13, venv, certificates.
#
#   images/build-base.sh [TAG]              the tag to give it [lazyaf-base:trixie]
#   make image BASE_IMAGE=lazyaf-base:trixie
#
#   SUITE=trixie      Debian 13, whose Python is 3.13
#   MIRRORS="URL …"   where its packages are [the mirrors that this machine's apt uses, if it is Debian]
#   DOCKER=docker     the command to import it with
#
# Needs mmdebstrap and a Docker engine; root, or user namespaces. The certificate authorities that were
# added to this machine are added to the image, so that it works behind the same proxy.
set -euo pipefail

tag=${1:-lazyaf-base:trixie}
suite=${SUITE:-trixie}
docker=${DOCKER:-docker}

command -v mmdebstrap >/dev/null || { echo "$0: install mmdebstrap (apt install mmdebstrap)." >&2; exit 1; }
"$docker" version >/dev/null || { echo "$0: no Docker engine answers." >&2; exit 1; }

# What apt uses here, as apt tells it: an own mirror is then used without being asked for.
uses() { # label
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v label="$1" '$1 == label { print $2; exit }'
}
sources() {
  local mirror=${MIRRORS:-$(uses Debian)} security
  [ -n "$mirror" ] || return 0 # mmdebstrap knows Debian's own
  for uri in $mirror; do echo "deb $uri $suite main"; done
  [ -z "${MIRRORS:-}" ] || return 0
  echo "deb $mirror $suite-updates main"
  security=$(uses Debian-Security)
  [ -z "$security" ] || echo "deb $security $suite-security main"
}

hooks=(--customize-hook='ln -s python3 "$1/usr/bin/python"'
  --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED')
authorities=(/usr/local/share/ca-certificates/*.crt)
if [ -e "${authorities[0]}" ]; then
  hooks+=(--customize-hook="copy-in ${authorities[*]} /usr/local/share/ca-certificates"
    --customize-hook='chroot "$1" update-ca-certificates >/dev/null')
fi

mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  "${hooks[@]}" --format=tar "$suite" - - < <(sources) |
  "$docker" import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' \
    --change 'CMD ["python3"]' \
    --message "Debian $suite with Python" - "$tag"
