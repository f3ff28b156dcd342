// Whoever writes a model needs random streams and a state that can be saved: `import Modeling` brings both.
@_exported import Persistence
@_exported import Randomness
