import BenchModel
import Testing

@Suite("The demand over several products")
struct ProductMixTests {
    private func shares(_ mix: ProductMix, draws: Int = 100_000) -> [Double] {
        var wishes = ProductMix.Wishes(mix, seed: 7, user: 3)
        var counts = [Int](repeating: 0, count: mix.count)
        for _ in 0..<draws { counts[wishes.next()] += 1 }
        return counts.map { Double($0) / Double(draws) }
    }

    @Test("falls off with the rank as Zipf's law says", arguments: [0, 0.5, 1, 2.5])
    func zipf(skew: Double) {
        let mix = ProductMix(count: 10, skew: skew)
        let found = shares(mix)
        // Products of rank 1 and 2: 2^skew. 4 standard errors of the shares stay below 0.007.
        let expected = mix.hotShare
        #expect(abs(found[0] - expected) < 0.007)
        #expect(abs(found[1] - expected / [0: 1, 0.5: 1.4142, 1: 2, 2.5: 5.6569][skew]!) < 0.007)
        #expect(found.allSatisfy { $0 > 0 })
    }

    @Test("is even without skew, and a third for the first of ten at 1")
    func hot() {
        #expect(abs(ProductMix(count: 4, skew: 0).hotShare - 0.25) < 1e-12)
        #expect(abs(ProductMix(count: 10, skew: 1).hotShare - 0.3414) < 1e-4)
        #expect(ProductMix.one.hotShare == 1)
    }

    @Test("is the same for the same seed and user, and another one for another user or seed")
    func seeded() {
        let mix = ProductMix(count: 100, skew: 1)
        func first(_ seed: UInt64, _ user: Int) -> [Int] {
            var wishes = ProductMix.Wishes(mix, seed: seed, user: user)
            return (0..<50).map { _ in wishes.next() }
        }
        #expect(first(1, 1) == first(1, 1))
        #expect(first(1, 1) != first(1, 2))
        #expect(first(1, 1) != first(2, 1))
    }
}
