"""The scripts of a deploy's steps, for the shell of a host; ``str.format`` fills in the names."""

FACTS = """
echo "machine=$(uname -m)"
echo "bits=$(getconf LONG_BIT)"
echo "python=$({python} -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
echo "free_mb=$(df -Pm "$HOME" | awk 'NR == 2 {{ print $4 }}')"
echo "board=$( (tr -d '\\0' < /proc/device-tree/model) 2>/dev/null)"
echo "name=$(uname -n)"
"""

# Drops the environments and wheels that neither a link nor the service names, but for those in {kept}.
PRUNE = """
kept=" $(readlink current || :) $(readlink previous || :) {kept} "
for one in venvs/* wheels/*; do
  case "$kept" in *" venvs/${{one#*/}} "*) ;; *) rm -rf "$one" ;; esac
done
"""

ENVIRONMENT = (
    """
set -e
cd "$HOME/{folder}"
trap '' HUP PIPE
# Where the connection of an earlier deploy was lost, its script may still be at work: wait for it, then go on.
exec 9> .lock
flock 9
for one in current previous; do
  if test -e $one && ! test -L $one; then
    echo "~/{folder}/$one is no link to an environment; move it away, then deploy again" >&2
    exit 1
  fi
done
test -e venvs/{wheel}/ready && exit 0
"""
    + PRUNE.replace("{kept}", "venvs/{wheel} {kept}")
    + """
umask 022  # the service, a user of its own, must be able to read it
rm -rf venvs/{wheel}
trap 'test -e venvs/{wheel}/ready || rm -rf venvs/{wheel}' EXIT
# By the system's pip, if it has one: an environment takes a fourth of the time without a pip of its own.
{python} -m venv --system-site-packages --without-pip venvs/{wheel}
venvs/{wheel}/bin/python -m pip --version > /dev/null 2>&1 || {python} -m venv --system-site-packages venvs/{wheel}
venvs/{wheel}/bin/python -m pip install --quiet --disable-pip-version-check wheels/{wheel}/{name}
sync  # a power cut must not leave it ready and its files empty
touch venvs/{wheel}/ready
"""
)

SWITCH = (
    """
cd "$HOME/{folder}" || exit 1
trap '' HUP PIPE
exec 9> .lock
flock 9
new="$PWD/venvs/{wheel}"
fail() {{ echo "$1" >&2; exit 1; }}
test -e "$new/ready" && test -e models/{model}.tflite || fail 'another deploy came between; deploy again'
installed() {{ {sudo} "$new/bin/python" -c 'import device.service.model_store as s; print(s.current_model())'; }}
point() {{ ln -sfn "$2" ".$1-$$" && mv -T ".$1-$$" "$1"; }}
back() {{
  test "$(installed)" = "$model" || {sudo} "$new/bin/device" rollback --quiet
  if test -n "$before"; then point current "$before"; else rm -f current; fi
}}
before=$(readlink current)
model=$(installed) || exit 1
{sudo} "$new/bin/device" install --quiet "$PWD/models/{model}.tflite" || exit 1
sync  # a power cut after the switch must find what the link names
point current venvs/{wheel} || {{ back; exit 1; }}
if ! {restart} >&2; then
  back
  again='runs again as before'
  {restart} >&2 || again='does not start as before either'
  fail "the service did not start with it and $again; see journalctl -u {service}"
fi
if test -n "$before" && test "$before" != venvs/{wheel}; then point previous "$before"; fi
"""
    + PRUNE
    + """
rm -f models/{model}.tflite
# Another deploy may be about to switch to what it has just copied.
find models -type f -mmin +60 -delete
rmdir models 2>/dev/null || :
"""
)
