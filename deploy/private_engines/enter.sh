#!/bin/sh
# Makes new namespaces look like a machine of the engine's own, and becomes its dockerd (see engine.py).
# Usage: unshare --mount --uts sh enter.sh HOME NAME [ROOT]; with ROOT, another system's dockerd.
set -e
home=$1 name=$2 root=$3

echo "$name" > /proc/sys/kernel/hostname

if [ "$root" ]; then
    mount --rbind "$root" "$root" # layers can be unpacked only below a mount point, else: "remount /"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/run"
    for file in /etc/hosts /etc/resolv.conf; do
        [ -e "$file" ] || continue
        touch "$root$file"
        mount --bind "$file" "$root$file"
    done
fi

for pair in etc:/etc/docker data:/var/lib/docker run:/run/docker; do
    mkdir -p "$root${pair#*:}"
    mount --rbind "$home/${pair%%:*}" "$root${pair#*:}"
done
mkdir -p "$root/run/containerd"
mount -t tmpfs tmpfs "$root/run/containerd" # hides the machine's containerd: dockerd starts its own

if [ "$root" ]; then
    # Not chroot, with which the machine's root stays that of the namespace: it is where an exec, joining the
    # namespace of its container, would find itself.
    cd "$root"
    pivot_root . .
    umount -l .
    cd /
fi

exec dockerd
