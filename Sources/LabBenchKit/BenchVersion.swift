/// The version of `lab-bench`, which stands in every result.
enum BenchVersion {
    static let current = "0.3.0"
}
