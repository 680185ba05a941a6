# cri.py - the client of the script cri: what a kubelet asks of a container runtime, by gRPC, with as
# much of protobuf as that needs. Messages are dicts of field numbers; the numbers are CRI v1's.
import io, json, os, hashlib, sys, tarfile, time

ADDRESS = 'unix:///run/containerd.sock'
LIMIT_S = 60
failed = []


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def encode(message):
    out = b''
    for number, value in message.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                out += varint(number << 3) + varint(one)
                continue
            data = encode(one) if isinstance(one, dict) else one.encode()
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


# A field that comes several times has its last value: nothing here has more.
def decode(data):
    at, out = 0, {}

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            out[tag >> 3] = number()
        elif tag & 7 == 2:
            n = number()
            out[tag >> 3] = data[at:at + n]
            at += n
        else:
            raise ValueError('wire type %d' % (tag & 7))
    return out


class Service:
    def __init__(self):
        import grpc
        self.channel = grpc.insecure_channel(ADDRESS)
        self.error = grpc.RpcError

    def call(self, verb, message):
        method = self.channel.unary_unary('/runtime.v1.RuntimeService/' + verb, encode, decode)
        return method(message, timeout=LIMIT_S, wait_for_ready=True)


def expect(what, want, got):
    if want != got:
        failed.append(what)
        print('%s: want %r, got %r' % (what, want, got))


def until(what, condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            failed.append(what)
            return print('never: ' + what)
        time.sleep(0.1)


HOST = 2  # of a namespace: the node's. 0 is the pod's, 1 the container's
IMAGE = {1: 'docker.io/local/box:1'}


class Pod:
    def __init__(self, service, handler, parent, logs, name='pod', network=HOST):
        self.service, self.handler, self.network = service, handler, network
        self.config = {1: {1: name, 2: 'uid-' + handler + name, 3: 'default'}, 3: logs,
                       8: {1: parent + '/' + handler, 2: {1: {1: network}}}}
        if network != HOST:
            self.config[2] = name
        os.makedirs(logs, exist_ok=True)
        asked = {1: self.config, 2: handler}
        self.id = service.call('RunPodSandbox', asked)[1].decode()

    def container(self, name, script, pid=0, command='/bin/sh', memory=64 << 20):
        config = {1: {1: name}, 2: IMAGE, 3: [command, '-c', script], 11: name + '.log',
                  15: {1: {3: 512, 4: memory, 5: 300}, 2: {3: {1: self.network, 2: pid}, 7: 1}}}
        asked = {1: self.id, 2: config, 3: self.config}
        made = self.service.call('CreateContainer', asked)[1].decode()
        self.service.call('StartContainer', {1: made})
        return made

    def execute(self, container, *words):
        said = self.service.call('ExecSync', {1: container, 2: list(words), 3: LIMIT_S})
        return said.get(1, b'').decode().strip(), said.get(3, 0)

    def shell(self, container, script):
        return self.execute(container, '/bin/sh', '-c', script)[0]

    def address(self):
        status = decode(self.service.call('PodSandboxStatus', {1: self.id})[1])
        return decode(status.get(5, b'')).get(1, b'').decode()

    def remove(self):
        self.service.call('StopPodSandbox', {1: self.id})
        self.service.call('RemovePodSandbox', {1: self.id})

    def state(self, container):
        status = decode(self.service.call('ContainerStatus', {1: container})[1])
        return status.get(3, 0), status.get(7, 0)


RUNNING, EXITED = 1, 2
LOOP = 'echo out; trap "exit 5" TERM; while :; do sleep 0.1; done'


def memory(service, container):
    stats = decode(service.call('ContainerStats', {1: container})[1])
    return decode(decode(stats.get(3, b'')).get(2, b'')).get(1, 0)


def update(pod, one):
    pod.service.call('UpdateContainerResources', {1: one, 2: {3: 256, 4: 80 << 20}})
    limits = ('cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || '
              'cat /sys/fs/cgroup/memory.max')
    expect('the limit after an update', (str(80 << 20), 0), pod.execute(one, '/bin/sh', '-c', limits))
    expect('a device after an update', ('', 0), pod.execute(one, '/bin/sh', '-c', 'echo x >/dev/null'))


def life(handler, parent, logs):
    service = Service()
    pod = Pod(service, handler, parent, logs)
    one, two = pod.container('one', LOOP), pod.container('two', LOOP, pid=0)
    alone = pod.container('alone', LOOP, pid=1)
    expect('state', (RUNNING, 0), pod.state(one))
    expect('exec', ('in', 0), pod.execute(one, '/bin/echo', 'in'))
    expect('status of exec', ('', 9), pod.execute(one, '/bin/sh', '-c', 'exit 9'))
    for kind, others in (('ipc', [one, two, alone]), ('pid', [one, two]), ('uts', [one, two])):
        links = {pod.execute(c, '/bin/readlink', '/proc/self/ns/' + kind) for c in others}
        expect('namespaces of ' + kind, 1, len(links))
    expect('a pid namespace of its own', False,
           pod.execute(one, '/bin/readlink', '/proc/self/ns/pid') ==
           pod.execute(alone, '/bin/readlink', '/proc/self/ns/pid'))
    expect('a root that is not written', ('1', 0),
           pod.execute(one, '/bin/sh', '-c', 'touch /x 2>/dev/null; echo $?'))
    expect('score', ('300', 0), pod.execute(alone, '/bin/cat', '/proc/1/oom_score_adj'))
    until('figures', lambda: memory(service, one) > 0)
    update(pod, one)
    log = os.path.join(logs, 'one.log')
    until('a log', lambda: os.path.exists(log) and b'stdout F out' in open(log, 'rb').read())
    service.call('StopContainer', {1: one, 2: LIMIT_S})
    expect('state of what stopped', (EXITED, 5), pod.state(one))
    service.call('StopContainer', {1: two, 2: 0})
    expect('state of what was killed', (EXITED, 137), pod.state(two))
    for container in (one, two):
        service.call('RemoveContainer', {1: container})
    try:
        pod.container('broken', '', command='/nope')
        expect('a missing command', 'an error', 'none')
    except service.error as error:
        expect('a missing command', True, 'no such file or directory' in str(error))
    service.call('StopPodSandbox', {1: pod.id})  # with one that runs
    service.call('RemovePodSandbox', {1: pod.id})
    service.call('RemovePodSandbox', {1: pod.id})


OWN = 0  # the pod's network
SERVE = 'while :; do echo word-of-%s | nc -l -p 7000; done'
HOG = 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'


def used_up(pod):
    hog = pod.container('hog', HOG, memory=16 << 20)
    until('the end of what has no memory', lambda: pod.state(hog)[0] == EXITED)
    status = decode(pod.service.call('ContainerStatus', {1: hog})[1])
    expect('how it ended', (137, b'OOMKilled'), (status.get(7, 0), status.get(10, b'')))


def net(handler, parent, logs):
    service = Service()
    one, two = (Pod(service, handler, parent, logs, name, OWN) for name in ('one', 'two'))
    server, beside = one.container('server', SERVE % 'one'), one.container('beside', LOOP)
    other = two.container('other', LOOP)
    links = [p.shell(c, 'readlink /proc/self/ns/net') for p, c in
             ((one, server), (one, beside), (two, other))]
    expect('containers of a pod share its network', links[0], links[1])
    expect('another pod has its own', False, links[2] in (links[0], os.readlink('/proc/self/ns/net')))
    expect('interfaces', 'eth0 lo', one.shell(beside, 'echo $(ls /sys/class/net)'))
    expect('name', 'one', one.shell(beside, 'hostname'))
    own = one.shell(beside, "ip -4 -o addr show eth0 | sed 's/.*inet //; s,/.*,,'")
    expect('the address that the CRI tells', own, one.address())
    expect('two addresses', False, one.address() == two.address())
    ask = 'until nc -w 2 %s 7000 2>/dev/null; do sleep 0.1; done'
    expect('asked from its pod', 'word-of-one', one.shell(beside, ask % '127.0.0.1'))
    expect('asked from another', 'word-of-one', two.shell(other, ask % one.address()))
    until('figures', lambda: memory(service, other) > 0)
    update(two, other)
    log = os.path.join(logs, 'other.log')
    until('a log', lambda: os.path.exists(log) and b'stdout F out' in open(log, 'rb').read())
    used_up(two)
    service.call('StopContainer', {1: other, 2: LIMIT_S})
    expect('state of what stopped', (EXITED, 5), two.state(other))
    one.remove()
    two.remove()


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


# What docker saves, of one layer.
def image(root, path):
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode='w') as tar:
        tar.add(root, arcname='.')
    layer = layer.getvalue()
    digest = 'sha256:' + hashlib.sha256(layer).hexdigest()
    config = {'architecture': 'amd64' if os.uname().machine == 'x86_64' else 'arm64', 'os': 'linux',
              'config': {'Cmd': ['/bin/sleep', '100000'], 'Env': ['PATH=/bin:/usr/bin']},
              'rootfs': {'type': 'layers', 'diff_ids': [digest]}, 'history': [{}]}
    manifest = [{'Config': 'config.json', 'RepoTags': ['docker.io/local/box:1'], 'Layers': ['layer.tar']}]
    with tarfile.open(path, 'w') as tar:
        add(tar, 'config.json', json.dumps(config).encode())
        add(tar, 'manifest.json', json.dumps(manifest).encode())
        add(tar, 'layer.tar', layer)


{'image': image, 'life': life, 'net': net}[sys.argv[1]](*sys.argv[2:])
sys.exit(1 if failed else 0)
