import RedisClient

/// A script as a part of another one, which carries out several in one step.
struct ScriptStep: Sendable {
    let script: RedisScript
    /// How many keys and arguments are its own.
    let keys: Int
    let arguments: Int
    /// It runs only when the one before it answered a number above 0.
    var onGrant = false
}

extension RedisScript {
    /// Carries out scripts one after the other, without anybody else between them. Its keys and arguments are
    /// those of the first, then those of the second, and so on; what it replies stands in `in-one-step.lua`.
    ///
    /// Its name is made of theirs.
    init(inOneStep steps: [ScriptStep]) {
        let parts = steps.map { step in
            """
              {keys = \(step.keys), arguments = \(step.arguments), onGrant = \(step.onGrant), run = function(KEYS, ARGV)
            \(step.script.source)
              end},
            """
        }
        self.init(
            name: steps.map(\.script.name).joined(separator: "+"),
            source: (["local steps = {"] + parts + ["}", EmbeddedScripts.inOneStepText])
                .joined(separator: "\n"))
    }
}
