/// After which rounds a comparison that goes on until its interval is narrow is judged: a pure plan, made
/// before the first trial, because each look costs a share of the 5 % and their number has to be known for
/// that.
///
/// Looks lie further and further apart (four thirds of the rounds before), so that there are few of them.
package struct Looks: Sendable, Equatable {
    /// Rounds that were run when each look is made; the last one is the most that are run.
    package let rounds: [Int]

    /// - Parameters:
    ///   - first: Rounds before the first look.
    ///   - most: Rounds after which it is over, narrow or not.
    package init(first: Int, most: Int) {
        var rounds = [first]
        while let last = rounds.last, last < most { rounds.append(min(max(last + 1, last * 4 / 3), most)) }
        self.rounds = rounds
    }

    package var count: Int { rounds.count }
}
