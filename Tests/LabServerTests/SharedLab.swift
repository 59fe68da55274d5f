import Testing

@testable import LabServerKit

/// One server for all tests of a suite, which use users and products of their own.
struct SharedLab: SuiteTrait, TestScoping {
    @TaskLocal static var current: Lab?

    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withLab { lab async throws in
            try await Self.$current.withValue(lab) { try await function() }
        }
    }

    /// The server of the suite that runs.
    static var lab: Lab {
        get throws { try #require(current) }
    }
}

extension Trait where Self == SharedLab {
    static var sharedLab: Self { Self() }
}
