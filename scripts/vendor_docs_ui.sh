#!/usr/bin/env bash
# Fetches what /docs and /redoc are made of into auth_service/web/static, and prints sizes and digests.
# Needs npm and the GNU tools. To move to a newer release, change a version and its digest here.
set -euo pipefail

readonly SWAGGER_UI=swagger-ui-dist@5.35.0
readonly SWAGGER_UI_SHA256=1b8e891893404ea4c3558b6a87e2a3e494e7eedba41168c2ece5800a391a6ea6
readonly REDOC=redoc@2.5.4
readonly REDOC_SHA256=44922df4d0eb45c1b066c09ec251e6bd9bd7ded16bc69e87613337b9d911a56e

static="$(cd "$(dirname "${BASH_SOURCE[0]}")/../auth_service/web/static" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# unpack PACKAGE SHA256 FOLDER: a package of exactly this digest, unpacked into $work/FOLDER.
unpack() {
  local package=$1 digest=$2 folder="$work/$3" tarball
  mkdir "$folder"
  tarball="$folder/$(npm pack "$package" --silent --pack-destination "$folder")"
  sha256sum --check --quiet <<<"$digest  $tarball"
  tar --extract --gzip --strip-components=1 --no-same-owner --file "$tarball" --directory "$folder"
}

# carry FOLDER FILE...: the folder of static files holds these and nothing else.
carry() {
  local folder=$1 file
  shift
  rm -rf "${static:?}/$folder"
  mkdir "$static/$folder"
  for file in "$@"; do
    install -m 0644 "$work/$folder/$file" "$static/$folder/"
  done
}

# replace_once FILE OLD NEW: the file with OLD, which must be in it exactly once, changed to NEW.
replace_once() {
  local file=$1 old=$2 new=$3 count
  count="$({ grep --only-matching --fixed-strings -e "$old" "$file" || true; } | wc -l)"
  if [[ "$count" -ne 1 ]]; then
    echo "$file holds '$old' $count times, not once: see what changed in the release" >&2
    exit 1
  fi
  sed --in-place "s|$old|$new|" "$file"
}

unpack "$SWAGGER_UI" "$SWAGGER_UI_SHA256" swagger-ui
unpack "$REDOC" "$REDOC_SHA256" redoc

# Two changes to Redoc, for neither of which it has an option.
bundle="$work/redoc/bundles/redoc.standalone.js"
# It fetches its maker's logo from the maker's host. An address with nothing behind it makes it draw
# none; the text "API docs by Redocly" stays.
replace_once "$bundle" '"https://cdn.redoc.ly/redoc/logo-mini.svg"' '"data:,"'
# It writes its first style elements before it can be told a nonce; now it takes that of its script.
replace_once "$bundle" 'r.nc=void 0' 'r.nc=document.currentScript.nonce'

carry swagger-ui swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css \
  favicon-32x32.png LICENSE NOTICE
carry redoc bundles/redoc.standalone.js bundles/redoc.standalone.js.LICENSE.txt LICENSE

cd "$static"
wc -c swagger-ui/* redoc/*
sha256sum swagger-ui/* redoc/*
