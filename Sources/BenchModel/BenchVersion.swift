/// The version of `lab-bench`, which stands in every result.
package enum BenchVersion {
    package static let current = "0.5.0"
}
