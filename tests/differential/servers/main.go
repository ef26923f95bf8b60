// Go's net/http as an oracle: one line in $VIEWS for each request that it has read to its end.
//
//	ADDRESS METHOD TARGET BODY NAME=VALUE…     all but the address in hexadecimal digits
package main

import (
	"encoding/hex"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

func main() {
	views, err := os.OpenFile(os.Getenv("VIEWS"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		log.Fatal(err)
	}
	var lock sync.Mutex
	word := func(text string) string { return hex.EncodeToString([]byte(text)) }
	view := func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		address, _, _ := net.SplitHostPort(request.RemoteAddr)
		words := []string{address, word(request.Method), word(request.RequestURI), word(string(body))}
		// Kept apart from the other fields.
		words = append(words, word("Host")+"="+word(request.Host))
		for name, values := range request.Header {
			for _, value := range values {
				words = append(words, word(name)+"="+word(value))
			}
		}
		lock.Lock()
		defer lock.Unlock()
		io.WriteString(views, strings.Join(words, " ")+"\n")
	}
	server := http.Server{
		Addr:    "127.0.0.1:29005",
		Handler: http.HandlerFunc(view),
		// `OPTIONS *` is a request like any other here.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0),
	}
	log.Fatal(server.ListenAndServe())
}
