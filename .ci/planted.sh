#!/usr/bin/env bash
# Plants each fault of .ci/planted (or those that are named), one at a time, and runs the test that must notice it. The sources
# stay as they are: the compiler is given the faulty files in their place. A diff begins with what is wrong, and the test with its flags.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
work=$(mktemp -d "${TMPDIR:-/tmp}/zhanggui-planted.XXXXXX")
trap 'rm -rf "$work"' EXIT
names=("$@")
[ ${#names[@]} -gt 0 ] || names=($(cd .ci/planted && ls *.diff | sed 's/\.diff$//'))
bad=0
for name in "${names[@]}"; do
	diff=$PWD/.ci/planted/$name.diff
	about=$(sed -n '1s/^# //p' "$diff")
	read -r package test flags <<<"$(sed -n '2s/^# //p' "$diff")"
	begin=$SECONDS
	rm -rf "$work/tree"
	mkdir -p "$work/tree"
	replace=
	for file in $(sed -n 's|^+++ b/||p' "$diff"); do
		mkdir -p "$work/tree/$(dirname "$file")"
		cp "$file" "$work/tree/$file"
		replace+="${replace:+,}\"$PWD/$file\":\"$work/tree/$file\""
	done
	if ! (cd "$work/tree" && git apply "$diff"); then
		echo "LOST   $name: the code has moved; plant it anew"
		bad=1
		continue
	fi
	echo "{\"Replace\":{$replace}}" >"$work/overlay.json"
	if go test -vet=off -count 1 -overlay "$work/overlay.json" "$package" -run "^$test\$" $flags >"$work/log" 2>&1; then
		echo "GREEN  $name: $about, and $test sees nothing ($((SECONDS - begin)) s)"
		bad=1
	elif grep -q '^--- FAIL' "$work/log"; then
		echo "red    $name: $about ($test, $((SECONDS - begin)) s)"
	else
		echo "BROKEN $name: $test did not run"
		tail -5 "$work/log"
		bad=1
	fi
done
exit $bad
