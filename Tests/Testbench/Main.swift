import Commands

@main
struct Main {
    static func main() { runCommandLine(models: [NothingModel(), BurnModel(), TrialModel()]) }
}
