#!/usr/bin/env bash
# Sees to what the build and the tests need. As root on Debian it installs what apt has; elsewhere it says what is missing.
#   .ci/deps.sh [go] [node] [postgres] [chromium] [fonts] [tools]      default: all
set -euo pipefail

want=("$@")
[ ${#want[@]} -gt 0 ] || want=(go node postgres chromium fonts tools)
packages=() missing=()

have() { command -v "$1" >/dev/null 2>&1; }
older() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" != "$2" ]; } # $1 older than $2

for what in "${want[@]}"; do
	case $what in
	go)
		needed=$(awk '/^go /{print $2}' "$(dirname "$0")/../go.mod")
		if ! have go; then
			missing+=("Go $needed")
		elif older "$(go env GOVERSION | sed 's/^go//')" "$needed"; then
			missing+=("Go $needed (this is $(go env GOVERSION))")
		fi
		;;
	node)
		if ! have npm; then
			missing+=("Node.js 20 or newer, with npm")
		elif older "$(node --version | sed 's/^v//')" 20; then
			missing+=("Node.js 20 or newer (this is $(node --version))")
		fi
		;;
	postgres)
		ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || have initdb || packages+=(postgresql)
		;;
	chromium)
		have chromium || have chromium-browser || have google-chrome || packages+=(chromium)
		;;
	fonts) # without them the browser draws boxes, and a picture proves nothing
		{ have fc-list && fc-list : family | grep -qi 'noto.*cjk'; } || packages+=(fonts-noto-cjk fontconfig)
		;;
	tools) # the worked example of the API is a script
		for tool in curl jq; do have $tool || packages+=($tool); done
		;;
	*)
		echo "deps.sh: what is $what?" >&2
		exit 2
		;;
	esac
done

if [ ${#packages[@]} -gt 0 ]; then
	if [ "$(id -u)" = 0 ] && have apt-get; then
		echo "installing ${packages[*]}"
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -qq >/dev/null
		apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
	else
		missing+=("the Debian packages ${packages[*]} (or their like)")
	fi
fi
if [ ${#missing[@]} -gt 0 ]; then
	echo "Please install:" >&2
	printf '  %s\n' "${missing[@]}" >&2
	exit 1
fi
