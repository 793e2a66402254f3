// An agent for quic-swarm in Go, written from docs/protocol.md: `go run . --help` says how to use it.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"log"
	"math/rand"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	quic "github.com/lucas-clemente/quic-go"
)

var (
	id            = flag.String("id", "go-agent", "unique `name` of the agent")
	address       = flag.String("connect", "127.0.0.1:5000", "`HOST:PORT` of the coordinator")
	caFile        = flag.String("ca", "certs/ca.crt", "`FILE` with the authority of its certificate")
	certFile      = flag.String("cert", "", "`FILE` with a client certificate, where the coordinator wants one")
	keyFile       = flag.String("key", "", "`FILE` with the key of the client certificate")
	joinTokenFile = flag.String("join-token-file", "", "`FILE` with the join token, where the coordinator wants one")
	concurrency   = flag.Int("concurrency", 4, "tasks at once, 1 to 4096")
)

const (
	minPause     = 100 * time.Millisecond
	maxPause     = 30 * time.Second
	drainTimeout = 30 * time.Second
)

func main() {
	flag.Parse()
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	hello, tlsConfig, err := setUp()
	if err != nil {
		log.Fatalf("error: %v", err)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(stop, hello, tlsConfig); err != nil {
		log.Fatalf("error: %v", err)
	}
}

func setUp() (agentHandshake, *tls.Config, error) {
	hello := agentHandshake{
		ProtocolVersions: []int{1},
		AgentID:          *id,
		AgentType:        "worker",
		Concurrency:      *concurrency,
		Software:         "quic-swarm-go-example/1",
	}
	for kind := range handlers {
		hello.Kinds = append(hello.Kinds, kind)
	}
	if *joinTokenFile != "" {
		token, err := os.ReadFile(*joinTokenFile)
		if err != nil {
			return hello, nil, err
		}
		hello.JoinToken = strings.TrimSpace(string(token))
	}
	host, _, err := net.SplitHostPort(*address)
	if err != nil {
		return hello, nil, err
	}
	authorities, err := os.ReadFile(*caFile)
	if err != nil {
		return hello, nil, err
	}
	config := &tls.Config{
		NextProtos: []string{"neural-trader-quic"},
		ServerName: host, // checked against the names, or the IP addresses, in the certificate
		RootCAs:    x509.NewCertPool(),
		MinVersion: tls.VersionTLS13,
	}
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return hello, nil, errors.New(*caFile + " holds no certificate")
	}
	if *certFile != "" {
		pair, err := tls.LoadX509KeyPair(*certFile, *keyFile)
		if err != nil {
			return hello, nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return hello, config, nil
}

// run keeps a connection until `stop`, or until the coordinator refuses for good. It returns nil after an orderly end.
func run(stop context.Context, hello agentHandshake, tlsConfig *tls.Config) error {
	w := newWork()
	pause := minPause
	for {
		hello.Leases = w.leases()
		l, err := connect(stop, hello, tlsConfig, w)
		if err == nil {
			pause = minPause
			hello.SessionToken = l.ack.SessionToken
			log.Printf("registered at %s, resumed: %v", l.ack.CoordinatorID, l.ack.Resumed)
			drained := make(chan struct{})
			go func() {
				select {
				case <-stop.Done():
					drain(l, w)
				case <-l.conn.Context().Done():
				}
				close(drained)
			}()
			err = l.serve()
			<-drained
		}
		if stop.Err() != nil {
			return nil
		}
		var wait time.Duration
		var report errorReport
		var closed *quic.ApplicationError
		var broken *quic.TransportError
		switch {
		case errors.As(err, &broken) && broken.ErrorCode.IsCryptoError():
			return err // a certificate is not trusted, here or there
		case errors.As(err, &report):
			wait = time.Duration(report.RetryAfterMs * float64(time.Millisecond))
		case errors.As(err, &closed) && closed.Remote:
			report.Code = int(closed.ErrorCode)
		}
		if final(report.Code) {
			return err
		}
		if report.Code == sessionUnknown {
			hello.SessionToken = ""
		}
		wait += time.Duration(rand.Int63n(int64(pause))) // full jitter
		pause = min(2*pause, maxPause)
		log.Printf("not connected: %v; next try in %v", err, wait.Round(time.Millisecond))
		select {
		case <-stop.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func connect(stop context.Context, hello agentHandshake, tlsConfig *tls.Config, w *work) (*link, error) {
	ctx, cancel := context.WithTimeout(stop, handshakeTimeout)
	defer cancel()
	conn, err := quic.DialAddrContext(ctx, *address, tlsConfig, &quic.Config{
		Versions:              []quic.VersionNumber{quic.Version1},
		HandshakeIdleTimeout:  5 * time.Second,
		MaxIdleTimeout:        10 * time.Second, // a dead coordinator says nothing: silence tells, well within the grace
		KeepAlivePeriod:       3 * time.Second,
		MaxIncomingStreams:    int64(*concurrency) + 16, // tasks with a stream of their own
		MaxIncomingUniStreams: -1,
	})
	if err != nil {
		return nil, err
	}
	l, err := register(ctx, conn, hello, w)
	if err != nil {
		conn.CloseWithError(internalError, "") // not noError: that would end a session
		return nil, err
	}
	return l, nil
}

// drain ends in an orderly way: what runs may finish and is stored, the rest is handed back.
func drain(l *link, w *work) {
	log.Printf("draining %d tasks", len(w.leases()))
	l.control.send("DrainNotice", drainNotice{"the agent stops", float64(drainTimeout.Milliseconds())}, nil)
	handBack, giveUp := time.After(drainTimeout), time.After(drainTimeout+5*time.Second)
	for len(w.leases()) > 0 {
		select {
		case <-w.changed:
		case <-handBack:
			w.cancelAll()
		case <-giveUp:
			l.conn.CloseWithError(noError, "")
			return
		case <-l.conn.Context().Done():
			return
		}
	}
	l.conn.CloseWithError(noError, "")
}

// final tells whether the error table says "try again: never" for a code that closes connections.
func final(code int) bool {
	switch code {
	case 0x11, 0x20, 0x21, 0x22, 0x24:
		return true
	}
	return false
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
