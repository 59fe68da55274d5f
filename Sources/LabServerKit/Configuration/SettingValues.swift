import Foundation

/// What the flags and the environment say, put together: flags before variables, variables before defaults.
struct SettingValues: Sendable {
    enum Source: Sendable, Hashable {
        case flag
        case environment
        /// - Parameter name: The flag or the variable that names the file.
        case file(_ path: String, name: String)
        case standard
    }

    struct Value: Sendable {
        let text: String
        let source: Source
    }

    private var values: [Setting: Value] = [:]
    /// What is wrong with names and files; what is wrong with values, ``ServePlan`` says.
    private(set) var problems: [String] = []
    /// A file of a secret that cannot be read.
    private(set) var secretProblem: String?

    /// - Parameters:
    ///   - flags: As typed, and the paths of `--…-file`.
    ///   - all: The whole environment. Names that begin with LAB_ and are not known are problems: they are
    ///     mistakes that would go unseen. A variable without text counts as not set, as compose files make
    ///     them with `${X:-}`.
    ///   - readFile: The text of a file; nil when it cannot be read.
    init(
        flags: [Setting: String], files: [Setting: String] = [:], environment all: [String: String],
        readFile: (String) -> String?
    ) {
        let environment = all.filter { !$0.value.isEmpty && !ServiceVariable.isOne($0.key, $0.value) }
        let known = Set(
            Setting.allCases.flatMap { setting in
                [setting.environmentName] + (setting.hasFileForm ? [setting.environmentName + "_FILE"] : [])
            } + Self.namesOfOthers)
        for name in environment.keys.filter({ $0.hasPrefix("LAB_") && !known.contains($0) }).sorted() {
            problems.append("\(name) is not a variable of lab-server; see lab-server serve --help")
        }
        for setting in Setting.allCases {
            let name = setting.environmentName
            if let text = flags[setting] {
                values[setting] = Value(text: text, source: .flag)
            } else if let path = files[setting] ?? (setting.hasFileForm ? environment[name + "_FILE"] : nil) {
                read(
                    setting, path, by: files[setting] == nil ? name + "_FILE" : "--\(setting.flag)-file",
                    readFile)
            } else if let text = environment[name] {
                values[setting] = Value(text: text, source: .environment)
            } else if let text = setting.standard {
                values[setting] = Value(text: text, source: .standard)
            }
        }
    }

    /// Variables that other parts of the project read.
    private static let namesOfOthers = [
        "LAB_CRASH_AT", "LAB_CRASH_DATABASE", "LAB_CRASH_KILLS", "LAB_CRASH_SEED", "LAB_LONG_ROUNDS",
        "LAB_LONG_STRATEGIES", "LAB_LONG_TESTS",
    ]

    private mutating func read(
        _ setting: Setting, _ path: String, by name: String, _ readFile: (String) -> String?
    ) {
        guard let text = readFile(path) else {
            let problem = "cannot read \(path); check \(name)"
            if setting == .jwtSecret { secretProblem = problem } else { problems.append(problem) }
            return
        }
        // A line end at its end is the editor's, not the value's.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let last = lines.lastIndex { !$0.isEmpty }
        let value = last.map { lines[...$0].joined(separator: "\n") } ?? ""
        values[setting] = Value(text: value, source: .file(path, name: name))
    }

    subscript(_ setting: Setting) -> Value? { values[setting] }

    func text(_ setting: Setting) -> String? { values[setting]?.text }
}
