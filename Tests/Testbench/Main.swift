import Commands
import Modeling

// With the second MPI the models are not built (Package.swift).
#if canImport(Models)
    import Models
    import Numerics

    private let models = allModels
    private func prepare() { BLAS.setSingleThreaded() }
#else
    private let models: [any Model] = []
    private func prepare() {}
#endif

@main
struct Main {
    static func main() {
        prepare()
        runCommandLine(models: models + [NothingModel(), BurnModel(), TrialModel()])
    }
}
