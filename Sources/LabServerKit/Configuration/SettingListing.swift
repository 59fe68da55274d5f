import PostgresClient
import RedisClient

/// What `config` prints: each setting with the value that `serve` runs with, and the source of that value.
struct SettingListing {
    private let values: SettingValues
    private let inEffect: [Setting: String]

    /// - Parameter inEffect: What ``ServePlan`` read, defaults included. Settings without a value are
    ///   missing.
    init(_ values: SettingValues, inEffect: [Setting: String]) {
        self.values = values
        self.inEffect = inEffect
    }

    /// One line a setting: name, value and source. Secrets are not shown.
    var lines: [String] {
        Setting.allCases.map { "\($0.flag) = \(shown($0)) (\(source(of: $0)))" }
    }

    private func shown(_ setting: Setting) -> String {
        guard let text = inEffect[setting] ?? values.text(setting), !text.isEmpty else {
            return absence(of: setting)
        }
        return switch setting {
        case .jwtSecret: "<\(text.utf8.count) bytes, not shown>"
        case .databasePassword: "<not shown>"
        case .redis: RedactedURLs(text).description
        case .database where PostgresEndpoint.isURL(text): RedactedURLs(text).description
        default: text
        }
    }

    /// What `serve` does where a setting has no value.
    private func absence(of setting: Setting) -> String {
        switch setting {
        case .redis: "a redis-server of its own"
        case .jwtSecret: inEffect[.dev] == "true" ? "<random, not shown>" : "none"
        case .perUserLimit: "no limit"
        default: "none"
        }
    }

    private func source(of setting: Setting) -> String {
        switch values[setting]?.source {
        case .flag: "flag --\(setting.flag)"
        case .environment: "environment variable \(setting.environmentName)"
        case .file(let path, let name): "file \(path), named by \(name)"
        case .standard, nil: "default"
        }
    }
}
