import Modeling

/// The most steps a simulation counts.
let maximumStep = 1 << 62

/// The whole step nearest to `time` in the unit of the recording times.
func nearestStep(_ time: Double, unit: TimeUnit, d: Int) throws -> Int {
    let steps = (unit == .steps ? time : time * Double(d)).rounded()
    guard steps >= 0, steps < Double(maximumStep) else {
        throw ModelError.parameter("record", "time \(time) is \(steps) steps, outside 0 to 2^62")
    }
    return Int(steps)
}
