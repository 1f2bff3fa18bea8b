#!/bin/sh
# Lays out what the final image adds to its base: the program and the shared libraries that the base lacks.
#
#   runtime-root.sh PROGRAM FOLDER
#
# The base brings glibc, libgcc and OpenSSL. The rest of libpq's closure (Kerberos, LDAP, GnuTLS beneath LDAP) comes
# from the Debian release of the build stage, which must be the base's. Libraries of the base's own packages are left
# out: a second glibc beside the base's loader would not start.
set -eu
program="$1"
folder="$2"

mkdir -p "$folder/usr/local/bin" "$folder/data"
cp "$program" "$folder/usr/local/bin/postern"

if ldd "$program" | grep 'not found'; then
    echo "error: the libraries above are missing in the build stage" >&2
    exit 1
fi
ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) (.*/\1/p' | while IFS= read -r library; do
    name="$(basename "$library")"
    # dpkg knows the file by its place under /usr or by its older one under /.
    owner="$(dpkg-query --search "*/$name" | grep -v '^diversion' | head -n 1 | cut -d: -f1)"
    case "$owner" in
    libc6 | libgcc-s1 | libssl3) continue ;;
    esac
    target="$folder/usr/lib/$(basename "$(dirname "$library")")"
    mkdir -p "$target"
    # The file behind the link, under the name that the loader asks for.
    cp --dereference "$library" "$target/$name"
    echo "$owner $name"
done
