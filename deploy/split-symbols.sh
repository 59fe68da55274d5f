#!/usr/bin/env bash
# Makes of a program what is shipped: PROGRAM without what only a debugger reads, and PROGRAM.debug with it.
# The names of functions stay in the program, so a backtrace still has them.
#
#   deploy/split-symbols.sh PROGRAM TARGET
set -euo pipefail
if (($# != 2)); then
    echo "usage: deploy/split-symbols.sh PROGRAM TARGET" >&2
    exit 64
fi
program=$1 target=$2
objcopy --only-keep-debug "$program" "$target.debug"
chmod 0644 "$target.debug"
strip --strip-debug -o "$target.new" "$program"
# gdb and lldb find the other file by this note, beside the program.
(cd "$(dirname "$target")" && objcopy --add-gnu-debuglink="$(basename "$target").debug" "$(basename "$target").new")
chmod 0755 "$target.new"
mv "$target.new" "$target"
