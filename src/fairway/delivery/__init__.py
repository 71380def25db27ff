"""HOW a change happens, durably: transitions, strategies, analysis, and the engine for them."""
