#!/bin/sh
# Publish two small models as the Hub does: lists with the files' hashes, and the files. Any web server can serve that.
# usage: hub.sh OUTPUT_DIRECTORY
set -eu
cd "$1"
publish() { # repository commit
  files=$1/resolve/$2
  mkdir -p "$files" "api/models/$1/tree"
  echo '{"model_type": "llama"}' > "$files/config.json"
  echo '{"chat_template": "{{ messages }}"}' > "$files/tokenizer_config.json"
  head -c 3000017 /dev/urandom > "$files/model.safetensors"
  echo "# $1" > "$files/README.md"
  between='['
  for file in "$files"/*; do
    size=$(stat -c %s "$file")
    oid=$({ printf 'blob %d\0' "$size"; cat "$file"; } | sha1sum | cut -d' ' -f1)
    printf '%s{"type": "file", "path": "%s", "size": %d, "oid": "%s"' "$between" "${file##*/}" "$size" "$oid"
    # Only git has small ones; large ones are in a storage, named by their SHA-256
    case $file in *.safetensors)
      printf ', "lfs": {"oid": "%s", "size": %d, "pointerSize": 134}' "$(sha256sum "$file" | cut -d' ' -f1)" "$size" ;;
    esac
    between='}, '
  done > "api/models/$1/tree/$2"
  echo '}]' >> "api/models/$1/tree/$2"
}
publish HuggingFaceTB/SmolLM2-135M-Instruct 12fd25f77366fa6b3b4b768ec3050bf629380bac
publish acme/scribe 0123456789abcdef0123456789abcdef01234567
