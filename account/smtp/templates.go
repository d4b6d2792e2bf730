package smtp

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	texttemplate "text/template"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/internal/nearest"
)

//go:embed templates
var embedded embed.FS

const (
	layoutText = "layout.txt"
	layoutHTML = "layout.html"
	// mostTemplate bounds a template's file, in bytes.
	mostTemplate = 1 << 20
)

// source is a template's text, and where it was read.
type source struct{ where, text string }

// templates are one pair for each kind.
type templates map[account.NoticeKind]pair

// pair are the parts of one mail. The subject depends on nothing but the product, so it is made once.
type pair struct {
	subject string
	text    *texttemplate.Template
	html    *htmltemplate.Template
	// textFrom and htmlFrom are where they were read.
	textFrom, htmlFrom string
}

// loadTemplates reads the embedded templates and those of folder, which take their places, and tries each.
func loadTemplates(folder, product string) (templates, error) {
	sources, err := embeddedSources()
	if err != nil {
		return nil, err
	}
	if folder != "" {
		if err := replaceSources(sources, folder); err != nil {
			return nil, err
		}
	}
	all, faults := templates{}, []error(nil)
	for _, kind := range account.NoticeKinds() {
		p, err := parsePair(sources, kind, product)
		if err == nil {
			err = p.try(kind, product)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all[kind] = p
	}
	return all, errors.Join(faults...)
}

func embeddedSources() (map[string]source, error) {
	sources := map[string]source{}
	entries, err := embedded.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("smtp: read the embedded templates: %w", err)
	}
	for _, entry := range entries {
		text, err := embedded.ReadFile(path.Join("templates", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("smtp: read the embedded templates: %w", err)
		}
		sources[entry.Name()] = source{"embedded " + entry.Name(), string(text)}
	}
	return sources, nil
}

// replaceSources reads folder. Names that begin with a period are passed over: mounted folders have such links.
func replaceSources(sources map[string]source, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("smtp: read the folder of templates (auth.smtp.templates): %w", err)
	}
	var faults []error
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		where := filepath.Join(folder, name)
		if _, known := sources[name]; !known {
			faults = append(faults, fmt.Errorf("smtp: %s takes the place of no template%s", where, nearest.Hint(name, maps.Keys(sources))))
			continue
		}
		text, err := os.ReadFile(where)
		if err != nil {
			faults = append(faults, fmt.Errorf("smtp: read a template: %w", err))
			continue
		}
		if len(text) > mostTemplate {
			faults = append(faults, fmt.Errorf("smtp: %s is larger than %d bytes", where, mostTemplate))
			continue
		}
		sources[name] = source{where, string(text)}
	}
	return errors.Join(faults...)
}

func parsePair(sources map[string]source, kind account.NoticeKind, product string) (pair, error) {
	text, errText := parseText(sources, string(kind)+".txt")
	html, errHTML := parseHTML(sources, string(kind)+".html")
	if err := errors.Join(errText, errHTML); err != nil {
		return pair{}, err
	}
	p := pair{text: text, html: html, textFrom: sources[string(kind)+".txt"].where, htmlFrom: sources[string(kind)+".html"].where}
	var err error
	p.subject, err = makeSubject(text, p.textFrom, product)
	return p, err
}

func parseText(sources map[string]source, name string) (*texttemplate.Template, error) {
	layout, page := sources[layoutText], sources[name]
	t, err := texttemplate.New(layoutText).Parse(layout.text)
	if err != nil {
		return nil, fmt.Errorf("smtp: %s: %w", layout.where, err)
	}
	if _, err := t.New(name).Parse(page.text); err != nil {
		return nil, fmt.Errorf("smtp: %s: %w", page.where, err)
	}
	for _, block := range []string{"subject", "body"} {
		if t.Lookup(block) == nil {
			return nil, fmt.Errorf(`smtp: %s has no {{define "%s"}}`, page.where, block)
		}
	}
	return t, nil
}

func parseHTML(sources map[string]source, name string) (*htmltemplate.Template, error) {
	layout, page := sources[layoutHTML], sources[name]
	t, err := htmltemplate.New(layoutHTML).Parse(layout.text)
	if err != nil {
		return nil, fmt.Errorf("smtp: %s: %w", layout.where, err)
	}
	if _, err := t.New(name).Parse(page.text); err != nil {
		return nil, fmt.Errorf("smtp: %s: %w", page.where, err)
	}
	if t.Lookup("body") == nil {
		return nil, fmt.Errorf(`smtp: %s has no {{define "body"}}`, page.where)
	}
	return t, nil
}

// makeSubject gives the subject the product alone, so that no link, code or stranger's text is in a header or a preview.
func makeSubject(t *texttemplate.Template, where, product string) (string, error) {
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, "subject", struct{ Product string }{product}); err != nil {
		return "", fmt.Errorf("smtp: %s: the subject may say .Product alone: %w", where, err)
	}
	subject := strings.TrimSpace(out.String())
	if subject == "" || line(subject) != subject {
		return "", fmt.Errorf("smtp: %s: the subject must be one line of 1 to %d characters", where, longestText)
	}
	return subject, nil
}

// body is a mail's content.
type body struct{ subject, text, html string }

// render makes the content of a mail. Its error says nothing of the data.
func (t templates) render(d Data) (body, error) {
	p, known := t[account.NoticeKind(d.Kind)]
	if !known {
		return body{}, fmt.Errorf("smtp: there is no template for %q; kinds are %s", d.Kind, kindList())
	}
	b, err := p.render(d)
	if err != nil {
		return body{}, fmt.Errorf("smtp: the templates of %s cannot say what this notice has", d.Kind)
	}
	return b, nil
}

func (p pair) render(d Data) (body, error) {
	d.Subject = p.subject
	var text, html strings.Builder
	if err := p.text.Execute(&text, d); err != nil {
		return body{}, fmt.Errorf("smtp: %s: %w", p.textFrom, err)
	}
	if err := p.html.Execute(&html, d); err != nil {
		return body{}, fmt.Errorf("smtp: %s: %w", p.htmlFrom, err)
	}
	return body{p.subject, text.String(), html.String()}, nil
}

// try executes a pair with all that its kind may have, where a misspelt fact is an error, and with nothing.
func (p pair) try(kind account.NoticeKind, product string) error {
	p.text.Option("missingkey=error")
	p.html.Option("missingkey=error")
	full := sample(kind)
	_, errFull := p.render(dataOf(full, product))
	p.text.Option("missingkey=zero")
	p.html.Option("missingkey=zero")
	_, errBare := p.render(dataOf(account.Notice{Kind: kind, To: full.To}, product))
	return cmp.Or(errFull, errBare)
}

func kindList() string {
	var names []string
	for _, kind := range account.NoticeKinds() {
		names = append(names, string(kind))
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
