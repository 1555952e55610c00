cd /root/h/pool
T="tests/unit/domain/test_queue.py tests/integration/services/test_queued_checks.py"
run() { .venv/bin/pytest -q -n0 $T -k "not postgresql $2" 2>&1 | grep -a "^FAILED\|passed\|failed" | cut -c1-170; }
mut() { cp $1 /root/h/me/bak; python3 - "$1" "$2" "$3" "${4:-1}" <<'P'
import sys
p,a,b,n=sys.argv[1:]; s=open(p).read(); assert a in s; i=s.index(a) if n=='1' else s.rindex(a); open(p,'w').write(s[:i]+b+s[i+len(a):])
P
echo "== $2 -> $3"; run; cp /root/h/me/bak $1; }
mut src/lazyaf/domain/queue.py '        if agent == CHECKS:
            return None if self.offered else HeldBy.NO_RUNNER
' ''
mut src/lazyaf/domain/queue.py 'line = {agent} if agent == CHECKS else self.offered | {agent}' 'line = self.offered | {agent}'
mut src/lazyaf/domain/queue.py 'agent == CHECKS or agent not in' 'agent not in'
mut src/lazyaf/store/queue.py '.order_by(*_ALL_IN_TURN)' '.order_by(*turn(jobs))' 1
mut src/lazyaf/store/queue.py '.order_by(*_ALL_IN_TURN)' '.order_by(*turn(jobs))' 2
git diff --stat
