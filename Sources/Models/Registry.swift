import BilinearSequenceRegression
import DMFTGradientDynamics
import ExtensiveWidthQuadratic
import Modeling
import MultiIndexWeakRecovery
import SelfAttentionImplicitBias
import SequenceMultiIndex
import SequenceSingleIndex
import SingleLocationRegression

/// Every model, in the order `dynsweep models` lists them. Adding a model is one folder, and two lines here.
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
