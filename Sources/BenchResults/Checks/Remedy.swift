/// What to do about a check that failed.
package enum Remedy {
    private static let quieter =
        "something else used the processor, or the load is too much for this machine: stop what else runs, or take "
        + "fewer users or a lower rate"

    private static let sentences = [
        "generator-processor": quieter, "generator-lag": quieter, "generator-pauses": quieter,
        "arrival-process": quieter, "arrival-count": quieter, "arrival-gaps": quieter,
        "generator-sockets": "raise the limit of open files (ulimit -n)",
        "littles-law": "users did nothing for a part of the window: look at the errors of the trial",
        "stationary": "the rate changed within the window: take a longer --warmup and --duration",
        "server-lived": "look at the last lines of the server's log",
        "quiet-logs": "set the log level of the server so that it says nothing of single purchases",
        "enough-stock": "give more units by --stock",
        "some-success": "nothing was sold: look at the refusals and errors, and take a longer --duration",
        "release-build": "build with `./lab bench`, which builds for release",
        "equal-conditions": "start every server with the same settings",
    ]

    /// - Returns: nil where there is nothing that a user could do.
    package static func known(_ check: String) -> String? { sentences[check] }

    package static func of(_ check: String) -> String {
        known(check) ?? "keep the results and report it: the service and the bench count differently"
    }
}
