import LabServerKit

@main
enum Main {
    static func main() async { await LabServer.main() }
}
