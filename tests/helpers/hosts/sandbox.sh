# Runs a program as on Colab or Kaggle, with their top-level folders, without creating those on this
# machine. Call it under `unshare --mount`: all mounts end with the program.
#
# sandbox.sh ROOT TEST ENVIRONMENT "FOLDERS" PROGRAM...
#   ROOT         an empty folder, the root folder of the program
#   TEST         the folder that the program sees as /test
#   ENVIRONMENT  the Python environment that it sees as /environment
#   FOLDERS      top-level folders to create, separated by spaces
# The program sees an empty /tmp.
set -e
root=$1 test=$2 environment=$3 folders=$4
shift 4
mount -t tmpfs none "$root"
for entry in /*; do
	name=${entry#/}
	if [ -L "$entry" ]; then
		cp -P "$entry" "$root/$name"
	elif [ -d "$entry" ] && [ "$name" != tmp ]; then
		mkdir "$root/$name"
		mount --rbind "$entry" "$root/$name"
	fi
done
mkdir -m 1777 "$root/tmp"
mkdir "$root/test" "$root/environment"
mount --rbind "$test" "$root/test"
mount --rbind "$environment" "$root/environment"
for folder in $folders; do mkdir -p "$root$folder"; done
if [ -d "$test/working" ]; then
	mount --bind "$test/working" "$root/kaggle/working"
fi
if [ -d "$test/input" ]; then
	mkdir -p "$root/kaggle/input"
	mount --bind "$test/input" "$root/kaggle/input"
	mount -o remount,bind,ro "$root/kaggle/input"
fi
exec chroot "$root" "$@"
