import Commands
import Models

@main
struct Main {
    static func main() { runCommandLine(models: allModels) }
}
