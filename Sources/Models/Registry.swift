import Modeling

/// Every model, in the order `dynsweep models` lists them. Adding a model is one folder and one line here.
public let allModels: [any Model] = [
    BilinearSequenceRegression(),
    DMFTGradientDynamics(),
    ExtensiveWidthQuadratic(),
    MultiIndexWeakRecovery(),
    SequenceMultiIndex(),
    SequenceSingleIndex(),
    SelfAttentionImplicitBias(),
    SingleLocationRegression(),
]
