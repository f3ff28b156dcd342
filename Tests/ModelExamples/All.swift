/// The examples of all models.
public let allExamples = [
    bilinearSequenceRegressionExamples,
    dmftGradientDynamicsExamples,
    extensiveWidthQuadraticExamples,
    multiIndexWeakRecoveryExamples,
    selfAttentionImplicitBiasExamples,
    sequenceMultiIndexExamples,
    sequenceSingleIndexExamples,
    singleLocationRegressionExamples,
]
