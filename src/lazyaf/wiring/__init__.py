"""The parts of the composition root (`lazyaf.main`): one module for each thing that takes more than a
line to put together. Like main they know everybody, and nobody but main knows them."""
