# A scripted agent: it does by rote what a coding agent would do by thought.
# The pauses are there so that you can watch it; it works as fast without them.
set -e
say() { printf '\033[1m%s\033[0m\n' "$*"; }
pause() { sleep 0.6; }

say "Working on card #$CARD_NUMBER: $CARD_TITLE"
pause
if [ "$CARD_TITLE" != "Greet people by their name" ]; then
  say "Noting the wish in the README"
  printf '\n## Wanted\n\n- %s\n' "$CARD_TITLE" >> README.md
  pause
  git add README.md
  git commit -q -m "docs: note that we want: $CARD_TITLE"
  exit 0
fi

say "Reading greet.py"
cat greet.py
pause

say "Writing the new greet.py"
cat > greet.py <<'PY'
"""Greets people."""

import sys


def greeting(name: str = "world") -> str:
    return f"Hello, {name}!"


if __name__ == "__main__":
    print(greeting(*sys.argv[1:2]))
PY
pause

say "Covering it with a test"
cat > test_greet.py <<'PY'
import unittest

from greet import greeting


class GreetTest(unittest.TestCase):
    def test_greets_the_world(self) -> None:
        self.assertEqual(greeting(), "Hello, world!")

    def test_greets_a_person(self) -> None:
        self.assertEqual(greeting("Ada"), "Hello, Ada!")


if __name__ == "__main__":
    unittest.main()
PY
pause

say "Running the tests"
if command -v python3 > /dev/null; then
  python3 -m unittest -q
else
  echo "python3 is not installed here; skipping"
fi
pause

git add greet.py test_greet.py
git commit -q -m "feat: greet people by their name"
say "Done: python greet.py Ada prints “Hello, Ada!”"
