import Commands
import Dynamics
import Models
import Numerics

@main
struct Main {
    static func main() {
        BLAS.setSingleThreaded()
        runCommandLine(models: allModels) {
            ["openblas": BLAS.linkedVersion, "sundials": AdaptiveODE.linkedVersion]
        }
    }
}
