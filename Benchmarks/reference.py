"""NumPy timings to compare with. One function a benchmark, named as in Main.swift; prints one JSON object."""

import json
import math
import sys
import time

import numpy as np


def shortest_seconds(repeats, body):
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - start)
    return best


def random():
    count = 16384
    generator = np.random.Generator(np.random.SFC64(1))
    floats, doubles = np.empty(count, np.float32), np.empty(count)

    def nanoseconds(body):
        return shortest_seconds(400, body) / count * 1e9

    return {
        "random.fill_normal_float32_ns": nanoseconds(
            lambda: generator.standard_normal(out=floats, dtype=np.float32)
        ),
        "random.fill_normal_float64_ns": nanoseconds(lambda: generator.standard_normal(out=doubles)),
        "random.chi_square_1000_ns": nanoseconds(lambda: generator.chisquare(1000, size=count)),
    }


def sgd():
    """One-pass spherical SGD as a user writes it: all tokens of a step at once, one step at a time."""
    generator = np.random.Generator(np.random.SFC64(1))

    def sphere(d):
        w = generator.standard_normal(d)
        return w * (np.sqrt(d) / np.linalg.norm(w))

    def tied(d, length, gamma, steps):
        teacher, w = sphere(d), sphere(d)

        def body():
            nonlocal w
            for _ in range(steps):
                x = generator.standard_normal((length, d)) / np.sqrt(d)
                y = np.sum(x @ teacher) / np.sqrt(length)
                mean = x.sum(axis=0) / np.sqrt(length)
                h = mean @ w
                signal = 2 * (max(h, 0.0) - y) * (h > 0)
                w = w - gamma * signal * mean
                w *= np.sqrt(d) / np.linalg.norm(w)

        return shortest_seconds(5, body) / steps * 1e9

    def untied(d, length, gamma, steps):
        teacher, w = sphere(d), np.stack([sphere(d) for _ in range(length)])

        def body():
            nonlocal w
            for _ in range(steps):
                x = generator.standard_normal((length, d)) / np.sqrt(d)
                y = np.sum(x @ teacher) / np.sqrt(length)
                h = np.sum(x * w) / np.sqrt(length)
                signal = 2 * (max(h, 0.0) - y) * (h > 0)
                w = w - gamma * signal * x / np.sqrt(length)
                w *= np.sqrt(length * d) / np.linalg.norm(w)

        return shortest_seconds(5, body) / steps * 1e9

    def softmax(logits):
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)

    def attention(d, gamma, omega, steps):
        teacher, w, v = sphere(d), sphere(d), sphere(d)
        encoding = np.stack([v, -v]) / d
        a11 = 1 / (1 + np.exp(-2.0))
        positional = np.array([[a11, 1 - a11], [1 - a11, a11]])

        def body():
            nonlocal w
            for _ in range(steps):
                x = generator.standard_normal((2, d)) / np.sqrt(d)
                fields = x @ teacher
                y = (1 - omega) * softmax(np.outer(fields, fields)) + omega * positional
                xi = x + encoding
                z = xi @ w
                s = softmax(np.outer(z, z))
                residual = s - y
                value = s * (residual - np.sum(residual * s, axis=1, keepdims=True))
                signal = (value + value.T) @ z / np.linalg.norm(residual)
                w = w - gamma * (signal @ xi)
                w *= np.sqrt(d) / np.linalg.norm(w)

        return shortest_seconds(5, body) / steps * 1e9

    return {
        "sgd.tied_relu_d1000_L8_ns": tied(1000, 8, 0.015, 2000),
        "sgd.untied_relu_d1000_L8_ns": untied(1000, 8, 0.015, 1000),
        "sgd.attention_d1000_L2_ns": attention(1000, 0.05, 0.6, 2000),
    }


def attention():
    """Normalised gradient descent of softmax attention as a user writes it, in R^(d x d) and in the gaps."""
    generator = np.random.Generator(np.random.SFC64(1))

    def data(n, length, d):
        tokens = generator.standard_normal((n, length, d)) / np.sqrt(d)
        labels = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
        tokens[:, -1] = 0
        tokens[:, -1, 0] = labels
        scores = labels[:, None] * tokens[:, :, 0]
        return tokens, tokens[:, 0].copy(), scores

    def softmax(logits):
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)

    def coefficients(logits, scores):
        s = softmax(logits)
        margin = np.sum(s * scores, axis=1, keepdims=True)
        return s * (margin - scores) / (1 + np.exp(margin)) / len(scores)

    def full(n, length, d, steps):
        tokens, queries, scores = data(n, length, d)
        w = np.zeros((d, d))

        def body():
            for _ in range(steps):
                z = queries @ w.T
                c = coefficients(np.matmul(tokens, z[:, :, None])[:, :, 0], scores)
                gradient = np.matmul(c[:, None, :], tokens)[:, 0].T @ queries
                w[:] -= 0.1 * gradient / np.linalg.norm(gradient)

        return shortest_seconds(5, body) / steps * 1e6

    def gaps(n, length, d, steps):
        tokens, queries, scores = data(n, length, d)
        delta = (tokens[:, -1:] - tokens[:, :-1]).reshape(-1, d)
        overlaps = queries @ queries.T
        gram = (delta @ delta.T) * np.repeat(np.repeat(overlaps, length - 1, 0), length - 1, 1)
        g = np.zeros(len(gram))

        def body():
            nonlocal g
            for _ in range(steps):
                logits = np.concatenate([-g.reshape(n, -1), np.zeros((n, 1))], axis=1)
                c = coefficients(logits, scores)[:, :-1].ravel()
                step = gram @ c
                g = g + 0.1 * step / np.sqrt(c @ step)

        return shortest_seconds(5, body) / steps * 1e6

    return {
        "attention.gap_recursion_K450_us": gaps(50, 10, 500, 300),
        "attention.gd_d400_n20_L10_us": full(20, 10, 400, 50),
    }


def slr():
    """One-pass SGD of single-location regression: a batch of sequences at once, one step at a time."""
    generator = np.random.Generator(np.random.SFC64(1))
    # NumPy has no error function of arrays.
    error_function = np.vectorize(math.erf, otypes=[float])

    def sphere(d):
        w = generator.standard_normal(d)
        return w / np.linalg.norm(w)

    def steps_of(attention, d, length, batch, sharpness, steps):
        k_star = sphere(d)
        v_star = sphere(d)
        v_star -= (v_star @ k_star) * k_star
        v_star /= np.linalg.norm(v_star)
        k, v = sphere(d), sphere(d)
        rate, gamma, mean = 1 / d, math.sqrt(0.5), math.sqrt(d / 2) * k_star

        def body():
            nonlocal k, v
            for _ in range(steps):
                x = generator.standard_normal((batch, length, d))
                x[:, 0] = gamma * x[:, 0] + mean
                y = x[:, 0] @ v_star
                a, b = x @ k, x @ v
                if attention == "erf":
                    weights = error_function(sharpness * a)
                    r = (y - np.sum(weights * b, axis=1))[:, None]
                    w = -2 * r * sharpness * (2 / math.sqrt(math.pi)) * np.exp(-((sharpness * a) ** 2)) * b
                else:
                    weights = np.exp(sharpness * (a - a.max(axis=1, keepdims=True)))
                    weights /= weights.sum(axis=1, keepdims=True)
                    value = np.sum(weights * b, axis=1, keepdims=True)
                    r = y[:, None] - value
                    w = -2 * r * sharpness * weights * (b - value)
                u = -2 * r * weights
                tokens = x.reshape(-1, d)
                g_k, g_v = w.ravel() @ tokens / batch, u.ravel() @ tokens / batch
                k, v = k - rate * (g_k - (k @ g_k) * k), v - rate * (g_v - (v @ g_v) * v)
                k /= np.linalg.norm(k)
                v /= np.linalg.norm(v)

        return shortest_seconds(20, body) / steps * 1e9

    return {
        "slr.sgd_erf_d400_L10_B5_ns": steps_of("erf", 400, 10, 5, 0.5, 200),
        "slr.sgd_softmax_d400_L10_B5_ns": steps_of("softmax", 400, 10, 5, 0.5, 200),
    }


def dmft_gd():
    """Full-batch descent of the logistic loss, several starts at once, in single precision as ours."""
    generator = np.random.Generator(np.random.SFC64(1))

    def milliseconds(d, n, runs, steps):
        a = generator.standard_normal((n, d), dtype=np.float32) / np.float32(np.sqrt(d))
        y = np.sign(a @ generator.standard_normal(d, dtype=np.float32))
        w = generator.standard_normal((d, runs), dtype=np.float32)
        if runs == 1:
            w = w[:, 0]
        labels = y if runs == 1 else y[:, None]

        def body():
            nonlocal w
            for _ in range(steps):
                g = -labels / (1 + np.exp(labels * (a @ w)))
                w = w - np.float32(0.1) * (a.T @ g)

        return shortest_seconds(10, body) / steps * 1e3

    return {f"dmft_gd.d2000_n4000_runs{runs}_ms": milliseconds(2000, 4000, runs, 10) for runs in (1, 8)}


def bsr():
    """An iteration of GAMP-RIE (products and decomposition, the denoiser's factors left out) and steps of descent."""
    generator = np.random.Generator(np.random.SFC64(1))

    def passing(d, n):
        x = generator.standard_normal((n, d * d), dtype=np.float32)
        s = generator.standard_normal(d * d, dtype=np.float32)

        def body():
            g = x @ s
            u, sigma, v = np.linalg.svd((x.T @ g).reshape(d, d).astype(np.float64), full_matrices=False)
            (u * sigma) @ v

        return shortest_seconds(10, body) * 1e3

    def descent(d, n, r, runs, steps=20):
        x = generator.standard_normal((n, d * d), dtype=np.float32)
        y = generator.standard_normal(n, dtype=np.float32)
        u, v = generator.standard_normal((runs, d, r)), generator.standard_normal((runs, r, d))
        scale = 1e-6 / np.sqrt(r * d * d)

        def body():
            nonlocal u, v
            for _ in range(steps):
                s = (u @ v).reshape(runs, -1).astype(np.float32) / np.float32(np.sqrt(r) * d)
                g = ((s @ x.T - y) @ x).reshape(runs, d, d).astype(np.float64)
                u, v = u - scale * g @ v.transpose(0, 2, 1), v - scale * u.transpose(0, 2, 1) @ g

        return shortest_seconds(10, body) / steps * 1e3

    return {"bsr.amp_d100_ms": passing(100, 2000)} | {
        f"bsr.gd_d50_runs{runs}_ms": descent(50, 500, 10, runs) for runs in (1, 8)
    }


def ewq():
    """An iteration of GAMP-RIE for symmetric matrices (the denoiser's factors left out) and a step of descent, 8 starts at once."""
    generator = np.random.Generator(np.random.SFC64(1))
    d, n, m, runs = 100, 2000, 50, 8
    x = generator.standard_normal((n, d))
    s = generator.standard_normal((d, d))
    s = s + s.T
    y = generator.standard_normal(n)
    w = generator.standard_normal((runs, m, d))

    def passing():
        g = y - (((x @ s) * x).sum(1) - np.trace(s)) / np.sqrt(d)
        values, vectors = np.linalg.eigh((x.T * g) @ x - g.sum() * np.eye(d))
        (vectors * values) @ vectors.T

    def descent():
        h = x @ w.reshape(-1, d).T / np.sqrt(d)
        e = (h.reshape(n, runs, m) ** 2).sum(2) / np.sqrt(m) - y[:, None]
        (h.reshape(n, runs, m) * e[:, :, None]).reshape(n, -1).T @ x / np.sqrt(m * d)

    return {"ewq.amp_d100_ms": shortest_seconds(20, passing) * 1e3,
            "ewq.gd_d100_runs8_ms": shortest_seconds(10, descent) * 1e3}


def dmft():
    """The mean-field theory of descent on reused data for the logistic loss, with one product for each row of history."""

    def seconds(steps, copies, batch_fraction):
        generator = np.random.Generator(np.random.SFC64(1))
        alpha, q0, m, eta, decay = 2.0, 0.5, 0.1, 0.5, 1 - 0.5 * 0.05
        start = time.perf_counter()
        columns = np.empty((steps + 3, copies))
        columns[0] = 1

        def matched(j):
            """A normal column orthogonal to all before: Gram-Schmidt twice."""
            x = generator.standard_normal(copies)
            for _ in range(2):
                x -= (columns[:j] @ x / copies) @ columns[:j]
            columns[j] = x / np.sqrt(x @ x / copies)
            return columns[j]

        z = matched(1)
        y = np.sign(z)
        fields, g, tangents = np.empty((steps + 1, copies)), np.empty((steps, copies)), np.empty((steps + 1, copies))
        fields[0], tangents[0] = np.sqrt(q0 - m * m) * matched(2), 0
        signs = generator.integers(0, 2, (steps, copies)) * 2.0 - 1
        gradients, responses, factor = (np.zeros((steps, steps)) for _ in range(3))
        train = np.empty(steps)
        for t in range(steps):
            margin = y * (fields[t] + m * z)
            small = np.exp(-np.abs(margin))
            s = np.where(margin > 0, small, 1) / (1 + small)
            train[t] = np.mean(np.log1p(small) + np.maximum(-margin, 0))
            g[t], curvature = -y * s, s * (1 - s)
            if batch_fraction < 1:
                w = (generator.random(copies) < batch_fraction) / batch_fraction
                g[t] *= w
                curvature *= w
            change = curvature * (tangents[t] + signs[t])
            gradients[t, : t + 1] = alpha / copies * (g[: t + 1] @ g[t])
            responses[t, : t + 1] = alpha / copies * (signs[: t + 1] @ change)
            floor = 1e-8 * gradients[0, 0]
            # Forward substitution for the new row of the Cholesky factor.
            for j in range(t):
                factor[t, j] = (gradients[t, j] - factor[t, :j] @ factor[j, :j]) / factor[j, j]
            pivot = gradients[t, t] + floor - factor[t, :t] @ factor[t, :t]
            factor[t, t] = np.sqrt(max(pivot, floor / 10))
            matched(3 + t)
            noise = factor[t, : t + 1] @ columns[3 : t + 4]
            row = responses[t, : t + 1]
            fields[t + 1] = decay * fields[t] - eta * (row @ fields[: t + 1] + noise + g[t])
            tangents[t + 1] = decay * tangents[t] - eta * (row @ tangents[: t + 1] + change)
            m = decay * m - eta * alpha * np.mean(g[t] * z)
        assert 0 < train[-1] < train[0]
        return time.perf_counter() - start

    return {
        f"dmft.logistic_{name}_T200_N100000_s": min(seconds(200, 100_000, fraction) for _ in range(2))
        for name, fraction in (("full", 1.0), ("bernoulli", 0.4))
    }


def smi():
    """AMP for two attention layers and two tokens, the channel's quadrature in whole arrays over nodes and sequences."""

    def milliseconds(d, alpha, iterations, repeats):
        generator = np.random.Generator(np.random.SFC64(1))
        n, c = round(alpha * d), 1.0
        teacher = generator.standard_normal((d, 2))
        tokens = generator.standard_normal((2 * n, d))
        z = (tokens @ teacher / np.sqrt(d)).reshape(n, 2, 2)
        logits = z[:, :, None, 0] * z[:, None, :, 0]
        weights = np.exp(logits - logits.max(axis=2, keepdims=True))
        first = weights / weights.sum(axis=2, keepdims=True) + c * np.eye(2)
        u = np.einsum("nij,nj->ni", first, z[:, :, 1])

        def moments(u, omega, v, r):
            """Means (n, L, p) and summed covariances (n, p, p) of Z for the sequences of a chunk."""
            s1, beta = np.sqrt(v[0, 0]), v[0, 1] / v[0, 0]
            precision = 1 / (v[1, 1] - beta * v[0, 1])
            z0 = omega[:, 0, 0, None] + s1 * r
            z1 = omega[:, 1, 0, None] + s1 * r
            mix = np.exp(z0[:, :, None] * z1[:, None, :])
            x, y = np.exp(-z0**2)[:, :, None] * mix, np.exp(-z1**2)[:, None, :] * mix
            sx, sy = 1 + x, 1 + y
            both = sx * sy
            inverse = 1 / (c * c * both + c * (sx + sy) + 1 - x * y)
            u0, u1 = u[:, 0, None, None], u[:, 1, None, None]
            w0 = ((sx + c * both) * u0 - x * sy * u1) * inverse
            w1 = ((sy + c * both) * u1 - y * sx * u0) * inverse
            m0 = (omega[:, 0, 1, None] + beta * s1 * r)[:, :, None]
            m1 = (omega[:, 1, 1, None] + beta * s1 * r)[:, None, :]
            cross = precision * (m0 * w0 + m1 * w1)
            size = -0.5 * precision * (w0 * w0 + w1 * w1 + m0 * m0 + m1 * m1)
            size += -0.5 * r[:, None] ** 2 - 0.5 * r**2
            top = size + np.abs(cross)
            weight = np.exp(top - top.max(axis=(1, 2), keepdims=True)) * (both * inverse)
            other = np.exp(-2 * np.abs(cross))
            total, odd = weight * (1 + other), weight * (1 - other) * np.sign(cross)
            scale = 1 / total.sum(axis=(1, 2))
            rows, columns = total.sum(axis=2), total.sum(axis=1)
            r0, r1 = rows @ r * scale, columns @ r * scale
            a0, a1 = (odd * w0), (odd * w1)
            mean0, mean1 = a0.sum(axis=(1, 2)) * scale, a1.sum(axis=(1, 2)) * scale
            mixed = s1 * ((a0.sum(axis=2) @ r + a1.sum(axis=1) @ r) * scale - r0 * mean0 - r1 * mean1)
            covariance = np.empty((len(u), 2, 2))
            covariance[:, 0, 0] = s1**2 * ((rows @ r**2 + columns @ r**2) * scale - r0**2 - r1**2)
            covariance[:, 0, 1] = covariance[:, 1, 0] = mixed
            covariance[:, 1, 1] = (total * (w0 * w0 + w1 * w1)).sum(axis=(1, 2)) * scale - mean0**2 - mean1**2
            mean = np.stack([np.stack([omega[:, 0, 0] + s1 * r0, mean0], 1),
                             np.stack([omega[:, 1, 0] + s1 * r1, mean1], 1)], 1)
            return mean, covariance

        best = math.inf
        for _ in range(repeats):
            estimate, v, g = 0.1 * generator.standard_normal((d, 2)), np.eye(2), np.zeros((2 * n, 2))
            start = time.perf_counter()
            for _ in range(iterations):
                omega = tokens @ estimate / np.sqrt(d) - g @ v
                beta = v[0, 1] / v[0, 0]
                needed = np.ceil(20 * np.sqrt(v[0, 0] / (v[1, 1] - beta * v[0, 1]))) + 1
                r = np.linspace(-5, 5, 64 if needed <= 64 else int(32 * np.ceil(needed / 32)))
                inverse = np.linalg.inv(v)
                field, total = omega.reshape(n, 2, 2), np.zeros((2, 2))
                for chunk in range(0, n, 8):
                    part = slice(chunk, chunk + 8)
                    mean, covariance = moments(u[part], field[part], v, r)
                    g.reshape(n, 2, 2)[part] = (mean - field[part]) @ inverse
                    total += covariance.sum(axis=0)
                a = (2 * n * inverse - inverse @ total @ inverse) / d
                v = np.linalg.inv(np.eye(2) + a)
                estimate = (tokens.T @ g / np.sqrt(d) + estimate @ a) @ v
            best = min(best, time.perf_counter() - start)
            overlap = np.abs((estimate * teacher).sum(axis=0)) / d
        assert overlap[1] > 0.2 and np.isfinite(overlap).all(), overlap
        return best / iterations * 1e3

    return {"smi.amp_d1000_alpha0.5_ms": milliseconds(1000, 0.5, 20, 2)}


def miw():
    """AMP for sign(z1 z2): whole arrays over samples, 24 Gauss-Legendre nodes for the correlation of the pair."""
    from scipy.special import erf

    d, alpha, iterations = 1000, 4.0, 30
    generator = np.random.Generator(np.random.SFC64(1))
    n = round(alpha * d)
    teacher = generator.standard_normal((d, 2))
    covariates = generator.standard_normal((n, d))
    y = np.sign((covariates @ teacher).prod(axis=1))
    nodes, weights = np.polynomial.legendre.leggauss(24)

    def outputs(omega, v):
        (v11, v12), (_, v22) = v
        angle = np.arcsin(v12 / np.sqrt(v11 * v22))
        t, w = 0.5 * angle * (1 + nodes), 0.5 * angle * weights
        h1, h2 = omega[:, 0] / np.sqrt(v11), omega[:, 1] / np.sqrt(v22)
        kernel = np.exp(-((h1**2 + h2**2)[:, None] - 2 * (h1 * h2)[:, None] * np.sin(t)) / (2 * np.cos(t) ** 2))
        e = erf(h1 / np.sqrt(2)) * erf(h2 / np.sqrt(2)) + 2 / np.pi * kernel @ w
        a2 = (omega[:, 1] - v12 * omega[:, 0] / v11) / np.sqrt(2 * (v22 - v12**2 / v11))
        a1 = (omega[:, 0] - v12 * omega[:, 1] / v22) / np.sqrt(2 * (v11 - v12**2 / v22))
        e1 = 2 * np.exp(-h1**2 / 2) / np.sqrt(2 * np.pi * v11) * erf(a2)
        e2 = 2 * np.exp(-h2**2 / 2) / np.sqrt(2 * np.pi * v22) * erf(a1)
        return (y / (1 + y * e))[:, None] * np.stack([e1, e2], 1)

    best = math.inf
    for _ in range(3):
        estimate, v, g = 0.1 * generator.standard_normal((d, 2)), np.eye(2), np.zeros((n, 2))
        start = time.perf_counter()
        for _ in range(iterations):
            g = outputs(covariates @ estimate / np.sqrt(d) - g @ v, v)
            a = g.T @ g / d
            v = np.linalg.inv(np.eye(2) + a)
            estimate = (covariates.T @ g / np.sqrt(d) + estimate @ a) @ v
        best = min(best, time.perf_counter() - start)
    overlap = np.abs(estimate.T @ teacher / d)
    assert max(overlap.trace(), overlap[::-1].trace()) > 0.8, overlap
    return {"miw.amp_sign_product2_d1000_alpha4_ms": best / iterations * 1e3}


BENCHMARKS = {"random": random, "sgd": sgd, "attention": attention, "slr": slr, "dmft-gd": dmft_gd, "dmft": dmft,
              "smi": smi, "miw": miw, "bsr": bsr, "ewq": ewq}

if __name__ == "__main__":
    results = {}
    for name in sys.argv[1:] or BENCHMARKS:
        if name in BENCHMARKS:
            results |= BENCHMARKS[name]()
    print(json.dumps(results, indent=2))
