#!/usr/bin/env bash
# Checks that every relative link and image of the Markdown files leads to a file, and its #anchor to a heading.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One link a line, `line<TAB>target`, leaving out code blocks and code spans.
links() {
    awk '
        /^[ ]*(```|~~~)/ { code = !code; next }
        code { next }
        {
            text = $0
            gsub(/`[^`]*`/, "", text)
            while (match(text, /\]\([^)]*\)/)) {
                target = substr(text, RSTART + 2, RLENGTH - 3)
                sub(/ +".*"$/, "", target)
                gsub(/^<|>$/, "", target)
                print NR "\t" target
                text = substr(text, RSTART + RLENGTH)
            }
            if (match(text, /^\[[^]]+\]: +/)) {
                target = substr(text, RSTART + RLENGTH)
                sub(/ .*/, "", target)
                print NR "\t" target
            }
        }' "$1"
}

# The anchors that the usual renderers make of headings: lower case, spaces to dashes, punctuation gone.
anchors() {
    awk '
        /^[ ]*(```|~~~)/ { code = !code; next }
        !code && /^#+ / {
            sub(/^#+ +/, "")
            text = tolower($0)
            gsub(/[^a-z0-9 _-]/, "", text)
            gsub(/ /, "-", text)
            print text (seen[text]++ ? "-" (seen[text] - 1) : "")
        }' "$1"
}

files=0
broken=0
while IFS= read -r file; do
    [ -f "$file" ] || continue
    files=$((files + 1))
    while IFS=$'\t' read -r line target; do
        case "$target" in
        *://* | mailto:* | "") continue ;;
        esac
        path="${target%%#*}"
        if [ -z "$path" ]; then
            found="$file"
        elif [ "${path#/}" != "$path" ]; then
            found=".$path"
        else
            found="$(dirname "$file")/$path"
        fi
        if [ ! -e "$found" ]; then
            echo "$file:$line: no such file: $target" >&2
            broken=$((broken + 1))
        elif [ "$target" != "$path" ] && [ "${found##*.}" = md ] &&
            ! anchors "$found" | grep --quiet --line-regexp --fixed-strings -- "${target#*#}"; then
            echo "$file:$line: no such heading: $target" >&2
            broken=$((broken + 1))
        fi
    done < <(links "$file")
done < <(git ls-files --cached --others --exclude-standard '*.md')

if [ "$broken" -gt 0 ]; then
    echo "$broken broken links in $files Markdown files" >&2
    exit 1
fi
echo "links of $files Markdown files lead somewhere"
