#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The mutants' patches fit the source as it is; whether they are found out is for tests/lab/mutants.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
patches=("$here"/mutations/*.patch)
echo "1..${#patches[@]}"
number=0 failed=0
for patch in "${patches[@]}"; do
	number=$((number + 1)) said="ok"
	message=$(patch -d "$here/../.." -p1 --fuzz=0 --dry-run --force <"$patch" 2>&1) || said="not ok"
	echo "$said $number - $(basename "$patch" .patch) fits"
	if [ "$said" != ok ]; then
		failed=1
		printf '# %s\n' "$message"
	fi
done
exit $failed
