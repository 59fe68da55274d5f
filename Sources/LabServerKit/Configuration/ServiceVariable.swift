/// The variables that Kubernetes gives every container for each Service of its namespace, in the form of
/// Docker links: a Service `lab-redis` makes `LAB_REDIS_SERVICE_HOST`, `LAB_REDIS_PORT=tcp://10.0.0.1:6379`,
/// `LAB_REDIS_PORT_6379_TCP_ADDR` and more. Nobody meant them for this program.
///
/// Source: kubernetes.io, "Service", section "Environment variables".
enum ServiceVariable {
    static func isOne(_ name: String, _ value: String) -> Bool {
        // LAB_PORT and LAB_METRICS_PORT are settings too, and their values are numbers.
        if name.hasSuffix("_PORT"), value.wholeMatch(of: /(tcp|udp|sctp):\/\/.+/) != nil { return true }
        let names =
            /.+_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|.+_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?/
        return name.wholeMatch(of: names) != nil
    }
}
