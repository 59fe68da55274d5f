import Foundation
import LockStrategies
import Testing

@testable import BenchReports

/// Whether the pictures can be read by those who see fewer colours, and on both grounds.
@Suite("The colours of the strategies")
struct PaletteTests {
    @Test("know every built-in strategy, in the order of the registry")
    func complete() {
        #expect(Palette.builtIn == StrategyRegistry.builtIn.names)
        #expect(Palette.builtIn.count < Palette.colours.count, "none is left for a strategy from elsewhere")
    }

    @Test("stay the same for a built-in strategy, whatever runs beside it")
    func fixed() {
        let alone = Palette(["redlock"])
        let among = Palette(["mine", "yours", "redlock", "theirs"])
        #expect(alone.colour("redlock") == among.colour("redlock"))
        #expect(among.colour("redlock") == Palette.colours[10])
    }

    @Test("are different for strategies from elsewhere, as long as there are colours")
    func foreign() {
        let names = ["lua-atomic", "redlock"] + (1...10).map { "mine-\($0)" }
        let palette = Palette(names)
        #expect(Set(names.map(palette.colour)).count == names.count)
        #expect(palette.knows("mine-10"))
        #expect(!palette.knows("mine-11"))
        let more = Palette(StrategyRegistry.builtIn.names + ["one", "two", "three"])
        #expect(Palette.colours.contains(more.colour("three")))
    }

    /// Red, green and blue in linear light.
    private static func linear(_ colour: String) -> [Double] {
        let value = UInt32(colour.dropFirst(), radix: 16) ?? 0
        return [16, 8, 0].map { shift in
            let part = Double(value >> shift & 255) / 255
            return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
        }
    }

    /// CIE L*a*b* under D65.
    private static func lab(_ light: [Double]) -> [Double] {
        func sum(_ weights: [Double]) -> Double { zip(weights, light).reduce(0) { $0 + $1.0 * $1.1 } }
        func root(_ value: Double) -> Double { value > 0.008856 ? cbrt(value) : 7.787 * value + 16.0 / 116 }
        let x = root(sum([0.4124, 0.3576, 0.1805]) / 0.95047)
        let y = root(sum([0.2126, 0.7152, 0.0722]))
        let z = root(sum([0.0193, 0.1192, 0.9505]) / 1.08883)
        return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
    }

    private static func distance(_ one: [Double], _ other: [Double]) -> Double {
        zip(one, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    /// Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
    /// Deficiency", 2009: the matrices of full severity.
    static let eyes: [(name: String, matrix: [[Double]])] = [
        ("all cones", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ]
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ]
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ]
        ),
    ]

    @Test(
        "keep apart for every kind of eyes: far where the marker is the same, and none is another's double",
        arguments: eyes.indices)
    func apart(index: Int) {
        let seen = Palette.colours.map { colour in
            let light = Self.linear(colour)
            return Self.lab(
                Self.eyes[index].matrix.map { row in
                    min(1, max(0, zip(row, light).reduce(0) { $0 + $1.0 * $1.1 }))
                })
        }
        for one in seen.indices {
            for other in 0..<one {
                let least = Palette.shape(one) == Palette.shape(other) ? 15 : 7.5
                #expect(
                    Self.distance(seen[one], seen[other]) >= least,
                    "\(Palette.colours[one]) and \(Palette.colours[other]) for \(Self.eyes[index].name)")
            }
        }
    }

    @Test("stand out on the light and on the dark ground, as WCAG asks of what is drawn: 3 to 1")
    func contrast() {
        func luminance(_ colour: String) -> Double {
            zip([0.2126, 0.7152, 0.0722], Self.linear(colour)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let grounds = PageStyle.colours.matches(of: #/--(?:ground|panel): (#[0-9a-f]{6})/#).map {
            String($0.1)
        }
        #expect(grounds.count == 4)
        for colour in Palette.colours + HTMLReport.partColours {
            for ground in grounds {
                let (one, other) = (luminance(colour) + 0.05, luminance(ground) + 0.05)
                #expect(max(one, other) / min(one, other) >= 3, "\(colour) on \(ground)")
            }
        }
    }
}
