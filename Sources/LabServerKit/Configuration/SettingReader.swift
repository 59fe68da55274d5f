/// Turns the texts of settings into values, and collects what is wrong with them.
struct SettingReader {
    private let values: SettingValues
    private(set) var problems: [String]
    /// What each setting that was read is in effect, as text; one without a value is missing.
    private(set) var inEffect: [Setting: String] = [:]

    init(_ values: SettingValues) {
        self.values = values
        problems = values.problems
    }

    mutating func add(_ problem: String) { problems.append(problem) }

    func isGiven(_ setting: Setting) -> Bool { values.text(setting) != nil }

    mutating func text(_ setting: Setting) -> String {
        let text = values.text(setting) ?? ""
        inEffect[setting] = text
        if text.isEmpty { problems.append("\(name(setting)) must not be empty") }
        return text
    }

    /// A text that nobody is shown; nil where none is given.
    mutating func secret(_ setting: Setting) -> String? {
        let text = values.text(setting)
        inEffect[setting] = text
        return text
    }

    mutating func flag(_ setting: Setting) -> Bool {
        inEffect[setting] = values.text(setting)
        switch values.text(setting) {
        case "true", "1":
            inEffect[setting] = "true"
            return true
        case "false", "0", nil:
            inEffect[setting] = "false"
            return false
        default:
            problems.append("\(name(setting)) must be true or false, not \(values.text(setting) ?? "")")
            return false
        }
    }

    /// - Parameter standard: Where the setting has no default of its own.
    mutating func number(
        _ setting: Setting, _ range: ClosedRange<Int>, standard: Int? = nil, advice: String = ""
    ) -> Int {
        guard let text = values.text(setting) else {
            inEffect[setting] = String(standard ?? range.lowerBound)
            return standard ?? range.lowerBound
        }
        inEffect[setting] = text
        guard let number = Int(text), range.contains(number) else {
            problems.append(
                "\(name(setting)) must be between \(range.lowerBound) and \(range.upperBound), not "
                    + "\(text)\(advice)")
            return range.lowerBound
        }
        return number
    }

    mutating func choice<Choice: RawRepresentable<String>>(
        _ setting: Setting, _ choices: [Choice], standard: Choice
    ) -> Choice {
        choice(setting, choices, named: \.rawValue, standard: standard)
    }

    mutating func choice<Choice>(
        _ setting: Setting, _ choices: [Choice], named name: (Choice) -> String, standard: Choice
    ) -> Choice {
        let text = values.text(setting) ?? name(standard)
        inEffect[setting] = text
        guard let choice = choices.first(where: { name($0) == text }) else {
            let known = choices.map(name).joined(separator: ", ")
            problems.append("unknown \(self.name(setting)) \"\(text)\"; known are: \(known)")
            return standard
        }
        return choice
    }

    mutating func convert<Value>(
        _ setting: Setting, standard: Value, _ conversion: (String) throws(StartFailure) -> Value
    ) -> Value {
        guard let text = values.text(setting) else { return standard }
        inEffect[setting] = text
        do throws(StartFailure) {
            return try conversion(text)
        } catch {
            problems.append("\(name(setting)): \(error)")
            return standard
        }
    }

    /// As whoever set it wrote it.
    private func name(_ setting: Setting) -> String {
        switch values[setting]?.source {
        case .environment: setting.environmentName
        case .file: setting.environmentName + "_FILE"
        case .flag, .standard, nil: "--" + setting.flag
        }
    }
}
