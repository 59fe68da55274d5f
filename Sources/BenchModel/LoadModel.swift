/// When buyers send.
package enum LoadModel: String, Sendable, Codable, CaseIterable {
    /// Each user sends its next purchase when the last one is answered.
    case closed
    /// Purchases begin at equal distances, whether the server keeps up or not.
    case constant
    /// Purchases begin at random moments, as those of many independent people do.
    case poisson

    /// The moments are given beforehand, so that a stall cannot hide by keeping buyers from sending.
    package var isOpen: Bool { self != .closed }
}
