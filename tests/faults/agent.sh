: @TAG@
# Takes steps and says so. A step is a file that is there whole or not at all; a later run goes on after
# the last one. Every third step is committed. Each run counts aloud, so that a gap in its log shows.
set -e
mkdir -p @TAG@
run=$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
step=$(ls @TAG@ | wc -l)
read -r up _ < /proc/uptime
echo "begin $run $step $up"
n=0
while [ "$step" -lt @STEPS@ ]; do
  step=$((step + 1))
  { printf 'step %s\r\n' "$step"; seq 1 @LINES@; } > "@TAG@/.part"
  mv "@TAG@/.part" "@TAG@/$step.step"
  for _ in 1 2 3; do
    n=$((n + 1))
    echo "tick $run $n"
    sleep 0.05
  done
  if [ $((step % 3)) = 0 ]; then
    git add @TAG@
    git commit --quiet --message "Step $step of @TAG@"
  fi
done
rm -f "@TAG@/.part"
echo "end $run $n"
