/// Several tests judged together.
package enum Holm {
    /// Adjusted p-values (Holm 1979): the chance that any of them is a false alarm stays below alpha.
    static func adjusted(_ pValues: [Double]) -> [Double] {
        let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
        var adjusted = pValues
        var most = 0.0
        for (rank, index) in order.enumerated() {
            most = max(most, min(1, pValues[index] * Double(pValues.count - rank)))
            adjusted[index] = most
        }
        return adjusted
    }
}
