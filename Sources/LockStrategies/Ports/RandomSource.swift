import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where strategies take chance from: the system's generator, or a seeded one for repeatable runs.
///
/// A source is shared by many tasks; drawing from a seeded one is serialised by a mutex.
public struct RandomSource: Sendable {
    private enum Origin: Sendable {
        case system
        case seeded(SharedGenerator)
    }

    private let origin: Origin
    private static let pool = Mutex(SystemPool())

    /// The system's cryptographically secure generator.
    public static let system = RandomSource(origin: .system)

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
    public static func seeded(_ seed: UInt64) -> RandomSource {
        RandomSource(origin: .seeded(SharedGenerator(SplitMix64(seed: seed))))
    }

    /// 64 bits of chance.
    public func next() -> UInt64 {
        switch origin {
        case .system:
            return Self.pool.withLock { $0.next() }
        case .seeded(let shared):
            return shared.next()
        }
    }

    /// Evenly distributed over `0...upper`, in steps of one microsecond.
    public func duration(upTo upper: Duration) -> Duration {
        guard upper > .zero else { return .zero }
        let microseconds = upper / Duration.microseconds(1)
        let fraction = Double(next() >> 11) * 0x1.0p-53
        return .microseconds(Int64((fraction * (microseconds + 1)).rounded(.down)))
    }

    func hexadecimal128() -> String { Self.hexadecimal(next(), next()) }

    static func hexadecimal(_ words: UInt64...) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(16 * words.count)
        for word in words {
            for shift in stride(from: 60, through: 0, by: -4) {
                let nibble = UInt8((word >> UInt64(shift)) & 0xF)
                digits.append(nibble < 10 ? 48 + nibble : 87 + nibble)
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private final class SharedGenerator: Sendable {
        private let generator: Mutex<SplitMix64>

        init(_ generator: SplitMix64) {
            self.generator = Mutex(generator)
        }

        func next() -> UInt64 {
            generator.withLock { $0.next() }
        }
    }
}

/// Chance from the system, fetched for many draws at once: the generator of the standard library makes a
/// system call for each. What was drawn is overwritten. Not for a process that goes on in a fork of itself,
/// which would draw the same again.
private struct SystemPool: Sendable {
    /// `getentropy` gives 256 bytes at most.
    private var words = [UInt64](repeating: 0, count: 32)
    private var left = 0

    mutating func next() -> UInt64 {
        if left == 0 { fill() }
        left -= 1
        defer { words[left] = 0 }
        return words[left]
    }

    private mutating func fill() {
        let result = unsafe words.withUnsafeMutableBytes { bytes in
            unsafe getentropy(bytes.baseAddress!, bytes.count)
        }
        // It fails only where the kernel lacks it, and nothing works without chance.
        precondition(result == 0, "the system gives no random numbers")
        left = words.count
    }
}

/// A small seeded generator with 64 bits of state.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
