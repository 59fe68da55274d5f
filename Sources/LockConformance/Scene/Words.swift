import LockStrategies

/// How times and answers are written in steps and sentences.
enum Words {
    /// `300 ms`, `1.5 s`.
    static func time(_ duration: Duration) -> String {
        let milliseconds = Int64(duration / .milliseconds(1))
        guard milliseconds >= 1_000 else { return "\(milliseconds) ms" }
        let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000)
        guard rest > 0 else { return "\(seconds) s" }
        var digits = String(String(rest + 1_000).dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(seconds).\(digits) s"
    }

    /// In a list of steps all times have one unit.
    static func milliseconds(_ duration: Duration) -> String { "\(Int64(duration / .milliseconds(1))) ms" }
}

/// What a call came to.
enum Reply<Value: Sendable>: Sendable {
    case said(Value)
    case failed(StrategyError)
    /// No answer within this time.
    case silent(Duration)
}

/// A lease, and when it was asked for and granted.
struct Held: Sendable {
    let lease: Lease
    let asked: ContinuousClock.Instant
    let arrived: ContinuousClock.Instant
}

enum Acquired: Sendable {
    case granted(Held)
    case contended
}

extension Reply where Value == Acquired {
    var held: Held? {
        if case .said(.granted(let held)) = self { held } else { nil }
    }

    var isContended: Bool {
        if case .said(.contended) = self { true } else { false }
    }

    var words: String {
        switch self {
        case .said(.granted(let held)):
            let validity = Words.milliseconds(held.arrived.duration(to: held.lease.validUntil))
            return "granted, valid for \(validity)"
                + (held.lease.fence.map { ", fence \($0.rawValue)" } ?? "")
        case .said(.contended): return "contended"
        case .failed(let error): return "error \(error)"
        case .silent(let limit): return "no answer within \(Words.time(limit))"
        }
    }
}

extension Reply where Value == ReleaseOutcome {
    var isReleased: Bool {
        if case .said(.released) = self { true } else { false }
    }

    var words: String {
        switch self {
        case .said(.released): "released"
        case .said(.notOwner): "not owner"
        case .said(.absent): "absent"
        case .failed(let error): "error \(error)"
        case .silent(let limit): "no answer within \(Words.time(limit))"
        }
    }
}

extension Reply where Value == ExtendOutcome {
    var extended: Lease? {
        if case .said(.extended(let lease)) = self { lease } else { nil }
    }

    var words: String {
        switch self {
        case .said(.extended(let lease)):
            "extended, valid for \(Words.milliseconds(ContinuousClock.now.duration(to: lease.validUntil)))"
        case .said(.notOwner): "not owner"
        case .said(.absent): "absent"
        case .failed(let error): "error \(error)"
        case .silent(let limit): "no answer within \(Words.time(limit))"
        }
    }
}
