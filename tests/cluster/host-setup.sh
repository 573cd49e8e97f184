# Makes one host of a lab, and then is its process 1: reaps orphans, and ends the host when the test ends.
# Runs in new mount, pid, ipc, uts and network namespaces. Environment: NAME, ME, HOME_DIR, SIZE, HOSTS,
# BINARY, BINARY2, KEYS.
set -eu
uid=$(id -u postgres) gid=$(id -g postgres)
mount -t tmpfs -o "mode=755,uid=$uid,gid=$gid,size=$SIZE" "$NAME" "$HOME_DIR"
mkdir "$HOME_DIR/.lab" "$HOME_DIR/.lab/etc" "$HOME_DIR/.lab/work" "$HOME_DIR/bin" "$HOME_DIR/.ssh"

# A writable /etc of its own.
mount -t overlay -o "lowerdir=/etc,upperdir=$HOME_DIR/.lab/etc,workdir=$HOME_DIR/.lab/work" lab-etc /etc
mount -t tmpfs -o mode=755 lab-run /run
# What it says of network cards is what was there when it was mounted.
mount -t sysfs lab-sys /sys
mkdir /run/sshd /run/lock /run/postgresql
chown "$uid:$gid" /run/postgresql
hostname "$NAME"
echo "$NAME" >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n%s\n' "$HOSTS" >/etc/hosts
rm -f /etc/resolv.conf   # nobody out there to ask
sed -i 's/^postgres:[^:]*:/postgres:*:/' /etc/shadow

# The program under test, by its file: the folders above it may be closed to the user postgres.
touch "$HOME_DIR/bin/repmgr.bin" "$HOME_DIR/bin/repmgrd.bin"
mount --bind "$BINARY" "$HOME_DIR/bin/repmgr.bin"
mount --bind "$BINARY2" "$HOME_DIR/bin/repmgrd.bin"
for name in repmgr hg_repmgr; do ln -s repmgr.bin "$HOME_DIR/bin/$name"; done
for name in repmgrd hg_repmgrd; do ln -s repmgrd.bin "$HOME_DIR/bin/$name"; done

# ssh between the users postgres of all hosts, without a question.
rm -rf /etc/ssh
mkdir -m 755 /etc/ssh
cp "$KEYS/host" /etc/ssh/ssh_host_ed25519_key
cp "$KEYS/host.pub" /etc/ssh/ssh_host_ed25519_key.pub
chmod 600 /etc/ssh/ssh_host_ed25519_key
cat >/etc/ssh/sshd_config <<END
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
END
cp "$KEYS/user" "$HOME_DIR/.ssh/id_ed25519"
cp "$KEYS/user.pub" "$HOME_DIR/.ssh/id_ed25519.pub"
cp "$KEYS/user.pub" "$HOME_DIR/.ssh/authorized_keys"
{ echo "$HOSTS" | while read -r address name; do
  [ -z "$name" ] || echo "$name,$address $(cut -d' ' -f1,2 "$KEYS/host.pub")"
done; } >"$HOME_DIR/.ssh/known_hosts"
chmod 700 "$HOME_DIR/.ssh"
chmod 600 "$HOME_DIR/.ssh/id_ed25519"
chown -R "$uid:$gid" "$HOME_DIR/.ssh" "$HOME_DIR/bin"
ip link set lo up
echo ready
# The network card comes from outside; then the test says so.
read -r _
/usr/sbin/sshd -E /run/sshd.log
echo ready
# The other end of this pipe is the test: its end is the host's end.
while read -r _; do :; done
