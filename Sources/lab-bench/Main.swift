import LabBenchKit

@main
enum Main {
    static func main() async { await LabBench.main() }
}
