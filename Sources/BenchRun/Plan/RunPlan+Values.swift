package import BenchLoad
package import BenchModel
import Foundation
import LockStrategies
package import RedisClient

/// Single values of the options.
extension RunPlan {
    /// The strategies that may be named, drivers included.
    static func registry(
        _ registry: StrategyRegistry, _ options: RunOptions, _ mode: RunMode, _ problems: inout [String]
    ) -> StrategyRegistry {
        if !options.drivers.isEmpty && !mode.isOwnProcess {
            problems.append("--driver is for --mode strategy or direct: a lab-server runs no driver")
        }
        do throws(StrategyConfigurationError) {
            return try registry.adding(options.drivers.map(\.entry))
        } catch {
            problems.append("--driver: \(error)")
            return registry
        }
    }

    package static func count(
        _ value: Int?, _ name: String, _ range: ClosedRange<Int>, _ standard: Int,
        _ problems: inout [String]
    ) -> Int {
        let value = value ?? standard
        if !range.contains(value) {
            problems.append(
                "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        return value
    }

    package static func seconds(
        _ value: Double?, _ name: String, _ range: ClosedRange<Double>, _ standard: Duration,
        _ problems: inout [String]
    ) -> Duration {
        guard let value else { return standard }
        // Also false for NaN.
        guard range.contains(value) else {
            let bounds = "\(Text.number(range.lowerBound)) to \(Text.number(range.upperBound))"
            problems.append("\(name) must be from \(bounds) seconds, not \(Text.number(value))")
            return standard
        }
        return .nanoseconds(Int64(value * 1e9))
    }

    package static func redis(_ text: String?, _ problems: inout [String]) -> RedisEndpoint? {
        guard let text else { return nil }
        do throws(RedisURLError) {
            let endpoint = try RedisEndpoint(parsing: text)
            if case .cluster = endpoint.address {
                problems.append(
                    "--redis: the bench empties the database that it uses, and cannot empty a cluster; name one "
                        + "server")
            }
            return endpoint
        } catch {
            problems.append(error.description)
            return nil
        }
    }

    package static func target(_ options: RunOptions, _ mode: RunMode, _ problems: inout [String])
        -> LoadTarget?
    {
        if options.targetAuthorities != nil, options.target?.lowercased().hasPrefix("https:") != true {
            problems.append("--target-ca is for --target https://HOST:PORT")
        }
        guard let text = options.target else { return nil }
        if mode.isOwnProcess { problems.append("--target is for --mode http: it names a server") }
        let beside: [(String, Bool)] = [
            ("--redis", options.redis != nil), ("--server-binary", options.serverBinary != nil),
            ("--bcrypt-cost", options.bcryptCost != nil),
        ]
        for (name, isGiven) in beside where isGiven {
            problems.append("\(name) is for a server that the bench starts: leave it out with --target")
        }
        guard var target = LoadTarget(naming: text) else {
            problems.append("--target must be http://HOST:PORT or https://HOST:PORT, not \"\(text)\"")
            return nil
        }
        guard text.lowercased().hasPrefix("https:") else { return target }
        do throws(BenchError) {
            target.tls = try TargetTLS(authorities: options.targetAuthorities)
        } catch {
            problems.append(error.context)
        }
        return target
    }
}
